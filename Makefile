# Verbs only: each does one thing, and everything that it needs first.
FUZZ_SECONDS ?= 60
CRASH_STRIDE ?= 1
FAULTS ?=
SOAK_MINUTES ?= 60
# Another version of ours, for upgrades: other schemas, another way to write statuses.
BEFORE ?= 8f8503a
SIM ?=
BENCH ?=
CLUSTER ?= bench
CARGO := $(shell command -v cargo)
CONTESTANTS = k=build/bench/k r=build/bench/r g2=build/bench/g2 g1=build/bench/g1
ifeq ($(CARGO),)
CONTESTANTS := $(filter-out r=%,$(CONTESTANTS))
endif

.PHONY: help demo demo-vm demo-load demo-members demo-down test test-all unit integration crash crash-short faults faults-short faults-peers faults-selftest faults-upgrade soak storm sim sim-short sim-selftest model bench bench-short e2e example check packages tools knfe images crds format tidy asan tsan fuzz fuzz-short clean

help:                                  ## This list
	@sed -n 's/^\([a-z0-9 -]*\):[^#=]*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  %-18s %s\n", $$1, $$2}'

demo: packages tools images            ## The whole way through on a real cluster, proved with real calls
	test/demo/demo

demo-vm: packages tools images         ## The same with Bono as a virtual machine of KubeVirt: build/demo-vm.json
	dev/install-packages kubevirt
	examples/ims-vm/build
	test/demo/demo --vm

demo-load: packages tools images       ## A function that scales itself, as calls come and go: build/demo-load.json, build/demo-load/load.svg
	test/demo/demo-load

demo-members: packages tools images    ## A cluster is not replicas: volumes, seeds, a node cut off, a hundred members: build/demo-members.json
	test/demo/demo-members

demo-down:                             ## Remove the demo's cluster
	dev/cluster down

test: check unit integration faults-short e2e bench-short  ## Everything that must hold before anything lands

test-all: test asan fuzz-short crash-short  ## And under sanitizers, fuzzers, and kill -9

check: knfe                            ## Layering, sizes, generated files, documentation
	test/check/run

unit: packages                         ## Unit tests: no cluster, seconds
	cmake --preset dev > build/cmake-dev.log 2>&1 || { cat build/cmake-dev.log; exit 1; }
	cmake --build --preset dev --target knfe_test
	build/dev/bin/knfe_test

integration: packages tools example    ## Against a real etcd and kube-apiserver
	cmake --build --preset dev --target knfe knfe_model
	test/integration/run

example: packages                      ## examples/operator, with the installed package: build/example/subscriber-store
	cmake --preset dev > build/cmake-dev.log
	cmake --build --preset dev --target knfe_runtime
	cmake --install build/dev --prefix build/prefix --component operators > build/install.log
	cmake -S examples/operator -B build/example -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_PREFIX_PATH=$(CURDIR)/build/prefix > build/cmake-example.log
	cmake --build build/example

crash: packages tools                  ## kill -9 before and after each write; CRASH_STRIDE=1 takes them all
	cmake --preset dev > build/cmake-dev.log
	cmake --build --preset dev --target knfe_crash
	test/crash/run --short $(CRASH_STRIDE)

crash-short:                           ## kill -9 before and after every fifth write
	$(MAKE) crash CRASH_STRIDE=5

faults: packages tools                 ## Every fault at every place between knfe and the API server; FAULTS=--short takes a sample
	cmake --preset dev > build/cmake-dev.log
	cmake --build --preset dev --target knfe
	test/faults/run $(FAULTS)

faults-short:                          ## A sample of the same, of what is quick, in three minutes
	$(MAKE) faults FAULTS=--short

faults-upgrade: packages tools         ## The version BEFORE (a commit) and this one take turns in the middle of a job
	cmake --preset dev > build/cmake-dev.log
	cmake --build --preset dev --target knfe
	test/faults/run --only upgrade --before $$(test/faults/before $(BEFORE)) $(FAULTS)

soak: packages tools                   ## Random faults without end: SOAK_MINUTES of them
	cmake --preset dev > build/cmake-dev.log
	cmake --build --preset dev --target knfe
	test/faults/soak --minutes $(SOAK_MINUTES)

storm: packages tools                  ## What a user waits for while much is to be done
	cmake --preset dev > build/cmake-dev.log
	cmake --build --preset dev --target knfe
	test/faults/storm

faults-peers: packages tools           ## KNFE's runtime and its peers under the same faults; FAULTS='--plans 100' takes a sample
	bench/peers/go/build
	bench/peers/knfe/build
	test/faults/peers $(FAULTS) k=build/bench/k 'g1=build/bench/g1 --health-probe-bind-address 0' g2=build/bench/g2

faults-selftest: packages tools        ## Whether the faults find what they are for: knfe with one bug each
	cmake --preset dev > build/cmake-dev.log
	cmake --build --preset dev --target knfe_broken
	test/faults/selftest

sim: packages                          ## The operators in one process with a clock of their own: a million schedules with faults
	cmake --preset sim > build/cmake-sim.log
	cmake --build --preset sim --target knfe_sim
	test/sim/run $(SIM)

sim-short:                             ## The same for twenty seconds
	$(MAKE) sim SIM='--seconds 20'

sim-selftest:                          ## Whether the simulator finds what it is for: KNFE with one bug each
	$(MAKE) sim SIM=--selftest

model: packages tools example          ## The simulator's API server held against the real one, for five minutes
	cmake --build --preset dev --target knfe knfe_model
	test/integration/run --name model --only model --model-seconds 300

bench: packages tools knfe             ## KNFE's runtime beside its peers at one job: build/bench.json, build/bench; BENCH=--full, --small; WRITE=1 writes docs/performance.md
	bench/peers/go/build
	$(if $(CARGO),bench/peers/rust/build,@echo "no cargo here: r is left out")
	bench/peers/knfe/build
	dev/knfe image
	@bench/run --expect $(BENCH) $(CONTESTANTS)
	@bench/replay --expect $(BENCH) $(CONTESTANTS)
	bench/conformance --name $(CLUSTER) $(CONTESTANTS)
	bench/run --name $(CLUSTER) $(BENCH) $(CONTESTANTS)
	bench/replay $(BENCH) $(CONTESTANTS)
	bench/report $(if $(WRITE),--write)

bench-short: packages tools            ## What must hold of it on any machine, in two minutes: build/bench-short.json
	bench/peers/go/build
	bench/peers/knfe/build
	bench/short

e2e: packages tools images             ## The demo's path, with assertions, on a cluster of its own
	env -u KUBECONFIG KNFE_CLUSTER=e2e test/demo/demo --down

packages:                              ## Debian packages that are missing
	@mkdir -p build
	dev/install-packages

tools: packages                        ## Kubernetes, etcd, Multus and CNI plugins, built once and kept
	dev/build

knfe: packages                         ## build/bin/knfe: one static, stripped binary
	dev/knfe binary

images: knfe                           ## build/images/*.tar: knfe, ims, sipp
	dev/knfe image
	examples/ims/image/build
	test/demo/image/build

crds: knfe                             ## deploy/crds from the C++ types
	build/bin/knfe crds --out deploy/crds

format:                                ## clang-format over all sources
	git ls-files '*.cc' '*.h' | xargs clang-format-19 -i

tidy: packages                         ## clang-tidy over all sources
	cmake --preset dev > build/cmake-dev.log
	git ls-files '*.cc' | grep -v _fuzz.cc | xargs -P 2 -n 4 clang-tidy-19 --quiet -p build/dev --extra-arg=-Wno-unknown-warning-option \
	  --extra-arg=-Wno-ignored-gch --extra-arg=-Wno-unused-const-variable

asan tsan: packages                    ## Unit tests under sanitizers
	cmake --preset $@ > build/cmake-$@.log
	cmake --build --preset $@ --target knfe_test
	build/$@/bin/knfe_test

fuzz: packages                         ## Each fuzz target for a minute
	cmake --preset fuzz > build/cmake-fuzz.log
	cmake --build --preset fuzz --target fuzz_targets
	test/fuzz/run $(FUZZ_SECONDS)

fuzz-short:                            ## Each fuzz target for five seconds
	$(MAKE) fuzz FUZZ_SECONDS=5

clean:
	rm -rf build
