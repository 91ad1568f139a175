// SPDX-License-Identifier: Apache-2.0

// For each line on standard input one trace of dd-trace-go 2.x: live.root, live.child, live.leaf, with the line as resource.
package main

import (
	"bufio"
	"errors"
	"os"

	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
)

func main() {
	tracer.Start()
	defer tracer.Stop()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		name := tracer.ResourceName(lines.Text())
		root := tracer.StartSpan("live.root", name, tracer.SpanType("worker"))
		child := tracer.StartSpan("live.child", name, tracer.ChildOf(root.Context()), tracer.Tag("work.items", 3))
		leaf := tracer.StartSpan("live.leaf", name, tracer.ChildOf(child.Context()))
		leaf.Finish(tracer.WithError(errors.New("no such luck")))
		child.Finish()
		root.Finish()
	}
}
