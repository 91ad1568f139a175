/* gateway.h: the chapter to read first. It declares nothing: it says what is where, and why.
 *
 *  tracers, apps         receiver threads, one per core, run to completion               a sender thread per exporter
 *  ───────────▶ receivers/http ─▶ receivers/ddtrace ─▶ translators/ ─▶ frame ─▶ fan-out ─▶ queue ─▶ sender ─▶ exporter ─▶ backend
 *    HTTP over    body, inflate     who sends, how      decode in place,          all exporters'      join, batch,
 *    TCP, Unix    limits, answers   it wants answers    write OTLP once           queues or none      retry, drain
 *  ◀──── the answer is true: 200 once the frame stands in every queue, 4xx or 429 when in none
 *
 * Bytes cross threads, not objects. A translator reads views into the request's body and writes the
 * serialized OTLP request that will be sent; from there on it is an immutable frame with a reference count.
 * Serialized protobuf messages concatenate, so a batch is frames laid end to end, and a second exporter is a
 * second reference.
 *
 * Words
 *   item        a span, a log record: what is counted
 *   frame       serialized OTLP of one signal, with its number of items (frame.h)
 *   rendering   how a frame says what it says: option `mode` of an exporter (frame.h)
 *   batch       the frames of one request to a backend (exporter.h)
 *   parcel      a batch and what has become of it so far (exporters/sender/inflight_batch.h)
 *   verdict     what a backend's answer means for the data (exporter.h)
 *   the join    finding the upper halves of 128-bit trace ids (trace_ids.h)
 *   the ledger  where every item is, at any time (ledger.h)
 *
 * Three lifetimes
 *   process     configuration, pipeline, contexts of components: made at start, given back in reverse order
 *   request     an arena per receiver thread (arena.h), reset after the answer; translators contain no free()
 *   frame       reference count; the last exporter that is done with it drops it
 *
 * Threads
 *   main                         configuration, start, signals, reload, drain, ledger, exit   main.c, pipeline.h
 *   admin, one per address       what is seen from outside; waits for nothing of the others   admin.h
 *   one per core (http worker)   everything from the socket to the queue                      http/http.h
 *   one per exporter             everything from the queue to the backend                     exporters/sender/sender.h
 *   one, with a disk queue       forces to the disk what is not delivered soon                disk_queue.h
 *   gRPC's, libcurl's            inside exporters; they touch frames by their last drop only
 * What threads share: queues (a lock each), the ledger, the id table (a lock per shard), the disk queue, the
 * log, the memory account (an atomic). Locks are rows of core/base/locks.def: one that is held may be held
 * while those below it are taken, and while nothing else.
 *
 * Where to start reading: option.h and configuration.h (how a component says what can be set), receiver.h and
 * exporter.h (what a component is), modules.def (which there are), pipeline.h (how they are put together),
 * main.c.
 *
 * Arrows point one way: receivers, translators and exporters never include each other's headers, gateway/
 * wires them (tests/lint/layers.py).
 * SPDX-License-Identifier: Apache-2.0
 */
