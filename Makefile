# Two commands are the contract: `make run` and `make test`. CMake does the work (CMakePresets.json); the scripts are in .ci/.
MAKEFLAGS += --no-print-directory
.PHONY: all build deps run test asan tsan fuzz soak live bench format reference clean
all: build
deps: ; @.ci/deps
build: deps ; @cmake --preset release >/dev/null && cmake --build --preset release --target ddgate -j "$$(nproc)"
run: build ; @build/ddgate
test: ; @.ci/test
asan: ; @.ci/test asan
tsan: ; @.ci/test tsan
fuzz: ; @.ci/fuzz
soak: ; @.ci/soak
live: ; @.ci/live
bench: deps ; @.ci/bench
format: ; @.ci/format
reference: build ; @build/ddgate --reference .
clean: ; rm -rf build build-*
