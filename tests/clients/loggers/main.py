# SPDX-License-Identifier: Apache-2.0
"""Python's loggers as they are without a configuration, and structlog and python-json-logger as their manuals have them in production."""
import logging
import sys

import structlog
from loguru import logger
from pythonjsonlogger.json import JsonFormatter

logger.remove()
logger.add(sys.stdout)
logger.error("boom")
logger.remove()
logger.add(sys.stdout, serialize=True)
logger.error("boom")

structlog.configure(logger_factory=structlog.PrintLoggerFactory())
structlog.get_logger().error("boom", order=7)
structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso"), structlog.processors.JSONRenderer()])
structlog.get_logger().error("boom", order=7)
structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso"),
                                structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])])
structlog.get_logger().error("boom", order=7)

out = logging.StreamHandler(sys.stdout)
out.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
logging.getLogger("shop.cart").addHandler(out)
logging.getLogger("shop.cart").error("boom", extra={"order": 7})
