// SPDX-License-Identifier: Apache-2.0
// log4j 2 as it is without a configuration: errors only.
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

public class Log4j {
    public static void main(String[] args) {
        Logger log = LogManager.getLogger("shop.cart");
        log.error("boom");
        log.fatal("boom", new IllegalStateException("bad"));
    }
}
