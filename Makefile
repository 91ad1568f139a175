# Two commands are the contract: `make run` and `make test`. CMake does the work (CMakePresets.json); the scripts are in .ci/.
MAKEFLAGS += --no-print-directory
.PHONY: all build deps run test install package fresh asan tsan fuzz soak live bench format reference clean
PREFIX ?= /usr/local
all: build
deps: ; @.ci/deps
build: deps ; @cmake --preset release >/dev/null && cmake --build --preset release --target ddgate -j "$$(nproc)"
run: build ; @build/ddgate
test: ; @.ci/test
install: build ; @cmake --build --preset release --target packaging && DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(PREFIX)" --strip
package: ; @.ci/package
fresh: ; @.ci/fresh
asan: ; @.ci/test asan
tsan: ; @.ci/test tsan
fuzz: ; @.ci/fuzz
soak: ; @.ci/soak
live: ; @.ci/live
bench: deps ; @.ci/bench
format: ; @.ci/format
reference: build ; @build/ddgate --reference .
clean: ; rm -rf build build-*
