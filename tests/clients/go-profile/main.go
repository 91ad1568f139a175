// SPDX-License-Identifier: Apache-2.0

// Works until its standard input ends, under the continuous profiler of dd-trace-go 2.x with every kind of profile, and spans around the work.
package main

import (
	"io"
	"os"
	"time"

	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
	"github.com/DataDog/dd-trace-go/v2/profiler"
)

var kept [][]byte

func spin(until time.Time) (sum int) {
	for time.Now().Before(until) {
		for i := 0; i < 1000; i++ {
			sum += i * i
		}
	}
	kept = append(kept, make([]byte, 64<<10))
	return sum
}

func main() {
	tracer.Start()
	defer tracer.Stop()
	if err := profiler.Start(profiler.WithPeriod(time.Second), profiler.WithProfileTypes(profiler.CPUProfile, profiler.HeapProfile,
		profiler.GoroutineProfile, profiler.MutexProfile, profiler.BlockProfile)); err != nil {
		panic(err)
	}
	defer profiler.Stop()
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	for {
		select {
		case <-ended:
			return
		default:
			span := tracer.StartSpan("live.work")
			spin(time.Now().Add(50 * time.Millisecond))
			span.Finish()
		}
	}
}
