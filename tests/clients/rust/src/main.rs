// SPDX-License-Identifier: Apache-2.0

//! For each line on standard input one trace: live.root, live.child, live.leaf, with the line as resource. The argument says who makes it:
//! `opentelemetry`, the OpenTelemetry API with datadog-opentelemetry below it, or `v04`, `v05`, `v1`: libdatadog's exporter, which
//! other languages' tracers have within, told to write that format.

use libdd_capabilities_impl::NativeCapabilities;
use libdd_data_pipeline::trace_exporter::{TelemetryConfig, TraceExporter, TraceExporterOutputFormat};
use libdd_shared_runtime::{ForkSafeRuntime, SharedRuntime};
use libdd_trace_utils::span::{span_pool::PooledChunks, v04::SpanBytes, v04::VecMap};
use opentelemetry::trace::{Span, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use std::io::BufRead;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn lines() -> impl Iterator<Item = String> {
    std::io::stdin().lock().lines().map_while(Result::ok)
}

fn by_opentelemetry() {
    let provider = datadog_opentelemetry::tracing().init();
    let tracer = provider.tracer("live");
    let start = |operation: &'static str, resource: &str, parent: &Context| {
        let tags = [KeyValue::new("operation.name", operation), KeyValue::new("resource.name", resource.to_owned())];
        tracer.span_builder(operation).with_attributes(tags).start_with_context(&tracer, parent)
    };
    for line in lines() {
        let root = Context::new().with_span(start("live.root", &line, &Context::new()));
        let mut child = start("live.child", &line, &root);
        child.set_attribute(KeyValue::new("work.items", 3));
        let child = root.with_span(child);
        let mut leaf = start("live.leaf", &line, &child);
        leaf.set_status(Status::error("no such luck"));
        leaf.end();
        child.span().end();
        root.span().end();
    }
    provider.shutdown_with_timeout(Duration::from_secs(10)).expect("the provider's shutdown");
}

fn trace(resource: &str) -> Vec<SpanBytes> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_nanos();
    let id = now as u64;
    let span = |number: u64, name: &'static str| SpanBytes {
        trace_id: u128::from(id),
        span_id: id + number,
        parent_id: if number == 0 { 0 } else { id + number - 1 },
        start: now as i64,
        duration: 1000 - number as i64,
        service: std::env::var("DD_SERVICE").unwrap_or_default().into(),
        name: name.into(),
        resource: resource.to_owned().into(),
        error: i32::from(number == 2),
        meta: VecMap::from_iter([("_dd.p.tid".into(), format!("{id:016x}").into())]), // the format has no place for the upper half
        metrics: VecMap::from_iter([("_sampling_priority_v1".into(), 1.0), ("work.items".into(), 3.0)]),
        ..Default::default()
    };
    vec![span(0, "live.root"), span(1, "live.child"), span(2, "live.leaf")]
}

fn by_exporter(format: TraceExporterOutputFormat) {
    let runtime = Arc::new(ForkSafeRuntime::new().expect("a runtime"));
    let mut builder = TraceExporter::<NativeCapabilities, ForkSafeRuntime>::builder();
    builder
        .set_url(&std::env::var("DD_TRACE_AGENT_URL").expect("DD_TRACE_AGENT_URL"))
        .set_language("rust")
        .set_language_version("1")
        .set_tracer_version("14.0.0")
        .set_output_format(format)
        .set_shared_runtime(runtime.clone())
        .enable_telemetry(TelemetryConfig::default())
        .enable_stats(Duration::from_secs(10));
    let exporter = builder.build::<NativeCapabilities>().expect("an exporter");
    for line in lines() {
        exporter.send_trace_chunks(PooledChunks::unpooled(vec![trace(&line)]), None).expect("the agent takes the trace");
    }
    exporter.shutdown(Some(Duration::from_secs(10))).expect("the exporter's shutdown");
    runtime.shutdown(None).expect("the runtime's shutdown");
}

fn main() {
    tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN).init();
    match std::env::args().nth(1).as_deref() {
        Some("opentelemetry") => by_opentelemetry(),
        Some("v04") => by_exporter(TraceExporterOutputFormat::V04),
        Some("v05") => by_exporter(TraceExporterOutputFormat::V05),
        Some("v1") => by_exporter(TraceExporterOutputFormat::V1),
        _ => panic!("spans opentelemetry|v04|v05|v1"),
    }
}
