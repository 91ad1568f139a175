/* gateway.h: the chapter to read first. It declares nothing: it shows the parts and their connections.
 *
 *   traces:  tracers, apps ─ HTTP ─▶ http/ ─▶ receivers/ddtrace ────────▶ translators/ddtrace ─┐
 *                                      └────▶ receivers/log_http ──┐                           ├─▶ frame
 *   metrics: DogStatsD ─ UDP, Unix ─▶ receivers/dogstatsd ────────────▶ translators/metrics ───┤
 *   logs:    TCP, UDP, Unix, syslog, stdin ─▶ receivers/stream ────┼──▶ translators/logs ──────┘     │
 *            files ─────────────────────────▶ receivers/file ──────┘    with pipeline/, text/        │
 *                                                                                                    │
 *        ┌───────────────────────────────────────────────────────────────────────────────────────────┘
 *        └─▶ fan-out ──────────▶ queue ──────────▶ sender ───────────────▶ exporter ─▶ backend
 *            all queues or none  one an exporter   completes trace ids,    gRPC, HTTP,
 *            storage: disk first                   batches, retries,       standard output
 *                                                  drains
 *
 *   HTTP:    ◀── 200 when the frame is in every queue; 4xx or 429 when it is in none
 *   others:  a full queue stops the reading of files, stdin and connections; UDP counts refused records
 *
 * Floors; arrows point down only (tests/lint/layers.py)
 *   gateway/       the process: listeners, and the connection of all parts
 *     run/         main, commands, configuration, pipeline, reload, modules.def
 *     receivers/   ddtrace, otlp, dogstatsd, log_http, stream (tcp, udp, unix, syslog, stdin), file; common/ is shared
 *     http/        the HTTP server that receivers share
 *     net/         addresses, TLS, tokens, limits of a client
 *     admin/       health, readiness, metrics, the ledger, the page and its API
 *     api/         recent traces and logs as JSON (core/delivery/recent.h), with filters and streams
 *     page/        the files of the page
 *   translators/   pure functions: received bytes become OTLP bytes
 *   exporters/     one folder per output; sender/ is shared
 *   core/          base, config, delivery, diskqueue; does not know Datadog, backends or HTTP
 * Translators and exporters never include each other; receivers do not include one another.
 *
 * Bytes cross threads, not objects. A translator reads views into the received bytes and writes the
 * serialized OTLP request that will be sent; from there on it is an immutable frame with a reference count.
 * Serialized protobuf messages can be concatenated, so a batch is frames laid end to end, and a second
 * exporter is a second reference.
 *
 * Words
 *   item                 a span, a log record, a metric point: what the ledger counts
 *   frame                serialized OTLP of one signal, with its number of items (frame.h)
 *   attribute schema     which attribute names a frame uses: option `mode` of an exporter (frame.h)
 *   batch                the frames of one request to a backend (exporter.h)
 *   in-flight batch      a batch and its state until the backend accepts or refuses it (inflight_batch.h)
 *   verdict              what a backend's answer means for the data (exporter.h)
 *   trace id completion  finding the upper halves of 128-bit trace ids (trace_ids.h)
 *   ledger               the state of every item, at any time (ledger.h)
 *
 * Three lifetimes
 *   process     configuration, pipeline, contexts of components: made at start, freed in reverse order
 *   request     an arena per HTTP worker (arena.h), reset after the answer; translators contain no free()
 *   frame       reference count; the last exporter that finishes with it drops it
 *
 * Threads
 *   main                        configuration, start, signals, reload, drain, exit    main.c, pipeline.h
 *   admin, one per address      health, metrics; waits for no other thread            admin.h
 *   HTTP workers, one per core  everything from the socket to the queue               http/http.h
 *   one per log receiver        reads, splits into records, translates, queues        log_sink.h
 *     that is not HTTP
 *   one per exporter            everything from the queue to the backend              exporters/sender/sender.h
 *   one, with a disk queue      syncs data that is not delivered soon                 disk_queue.h
 *   one for the log             writes ddgate's own lines to standard error           log_writer.h
 *   gRPC's, libcurl's           inside exporters; they only drop references to frames
 *
 * Locks: every lock is a row of core/base/locks.def, which also defines the order in which they are taken.
 *
 * Where to start reading: option.h and configuration.h (how a component declares its options), receiver.h
 * and exporter.h (the contracts of components), modules.def (the list of them), pipeline.h (how they are
 * connected), main.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
