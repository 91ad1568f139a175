// SPDX-License-Identifier: Apache-2.0

import io.opentracing.Span;
import io.opentracing.Tracer;
import io.opentracing.util.GlobalTracer;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Map;

/** For each line on standard input one trace of dd-java-agent: live.root, live.child, live.leaf, with the line as resource. */
public final class Spans {
  public static void main(String[] arguments) throws Exception {
    Tracer tracer = GlobalTracer.get();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String name; (name = lines.readLine()) != null; ) {
      Span root = tracer.buildSpan("live.root").withTag("resource.name", name).withTag("span.type", "worker").start();
      Span child = tracer.buildSpan("live.child").asChildOf(root).withTag("resource.name", name).withTag("work.items", 3).start();
      Span leaf = tracer.buildSpan("live.leaf").asChildOf(child).withTag("resource.name", name).start();
      leaf.setTag("error", true).log(Map.of("error.object", new IllegalStateException("no such luck")));
      leaf.finish();
      child.finish();
      root.finish();
    }
  }
}
