// SPDX-License-Identifier: Apache-2.0
// A trace and a log record of OpenTelemetry's SDK for Node, exported as OTEL_EXPORTER_OTLP_… say.
"use strict";
const { NodeSDK } = require("@opentelemetry/sdk-node");
const { trace, context, SpanStatusCode } = require("@opentelemetry/api");
const { logs } = require("@opentelemetry/api-logs");

const sdk = new NodeSDK();
sdk.start();
const tracer = trace.getTracer("live");
tracer.startActiveSpan("root", (root) => {
  tracer.startActiveSpan("child", (child) => {
    child.setAttributes({ "work.items": 3, words: ["a", "b"] });
    child.recordException(new Error("no such luck"));
    child.setStatus({ code: SpanStatusCode.ERROR, message: "no such luck" });
    child.end();
  });
  logs.getLogger("live").emit({ body: "hello", context: context.active() });
  root.end();
});
sdk.shutdown();
