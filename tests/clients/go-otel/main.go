// SPDX-License-Identifier: Apache-2.0

// A trace, a log record and a counter of OpenTelemetry's SDK for Go, exported as OTEL_EXPORTER_OTLP_… say.
package main

import (
	"context"
	"errors"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
)

func must[T any](made T, err error) T {
	if err != nil {
		panic(err)
	}
	return made
}

func main() {
	ctx := context.Background()
	spans := trace.NewTracerProvider(trace.WithBatcher(must(autoexport.NewSpanExporter(ctx))))
	logs := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(must(autoexport.NewLogExporter(ctx)))))
	metrics := metric.NewMeterProvider(metric.WithReader(must(autoexport.NewMetricReader(ctx))))

	ctx, root := spans.Tracer("live").Start(ctx, "root")
	_, child := spans.Tracer("live").Start(ctx, "child")
	child.SetAttributes(attribute.Int("work.items", 3), attribute.StringSlice("words", []string{"a", "b"}))
	child.RecordError(errors.New("no such luck"))
	child.SetStatus(codes.Error, "no such luck")
	child.End()
	var record log.Record
	record.SetBody(attribute.StringValue("hello"))
	logs.Logger("live").Emit(ctx, record)
	must(metrics.Meter("live").Int64Counter("live.count")).Add(ctx, 7)
	root.End()
	for _, err := range []error{spans.Shutdown(context.Background()), logs.Shutdown(context.Background()), metrics.Shutdown(context.Background())} {
		if err != nil {
			panic(err)
		}
	}
}
