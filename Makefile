# SPDX-License-Identifier: BSD-2-Clause
# The front door: everything here is a few words for what meson, ninja and tools/ do.
.NOTPARALLEL:
.PHONY: all run test test-guest bench loc lint install clean help

DESTDIR ?=
prefix ?= /usr/local

all: build/build.ninja
	ninja -C build

help:
	@echo "make run         install what is missing, build, and forward packets through the emulated NIC"
	@echo "make test        install what is missing, build, run every test that needs no guest"
	@echo "make test-guest  install what is missing, build, run the tests that need a guest, in QEMU"
	@echo "make             build: the command is build/leat"
	@echo "make bench       build and run the benchmarks"
	@echo "make loc         count the lines of code that a forwarding program needs"
	@echo "make lint        check formatting, layering, manual pages, and the code with two analysers"
	@echo "make install     install to prefix=$(prefix) below DESTDIR"
	@echo "make clean       remove what was built"

# What a target needs installed; nothing happens when it is there.
needs-%:
	@tools/install-deps $(subst -, ,$*)

build/build.ninja:
	meson setup build .

run: needs-build all
	build/leat demo $(if $(LEAT_DEMO_SECONDS),--seconds $(LEAT_DEMO_SECONDS))

test: needs-build-test
	tools/test

test-guest: needs-build-guest
	tools/test guest

bench: needs-build-bench all
	bench/run

loc: needs-build all
	tools/loc build

lint: needs-build-lint all
	tools/lint

install: needs-build
	meson setup build . --prefix=$(prefix) $(if $(wildcard build/build.ninja),--reconfigure)
	ninja -C build
	meson install -C build --no-rebuild $(if $(DESTDIR),--destdir=$(DESTDIR))
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" -ne 0 ] || ldconfig

clean:
	rm -rf build build-*
