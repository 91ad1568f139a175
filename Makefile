# Two commands are the contract: `make run` and `make test`. CMake does the work (CMakePresets.json).
.PHONY: all build deps run test asan tsan fuzz bench format clean
all: build
build: deps ; cmake --preset release >/dev/null && cmake --build --preset release -j
deps: ; @.ci/deps
run: build ; @build/ddgate
test: build ; @.ci/test
clean: ; rm -rf build build-asan build-tsan build-fuzz
