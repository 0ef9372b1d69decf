# The build: one Makefile, every source found by wildcard, one folder a layer, one archive a layer.
# Everything made lands in build/: build/gen holds generated code, build/$(FLAVOR) the rest.
#   make FLAVOR=release|debug|asan|tsan|clang      (fuzz is used by fuzz-smoke)
#   make BUILD=/somewhere/else                     keeps a build apart from everybody else's

FLAVOR  ?= release
BUILD   ?= build
VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
PYTHON  := /usr/bin/python3

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

B   := $(BUILD)/$(FLAVOR)
GEN := $(BUILD)/gen

# Flavours: compiler, what it adds to compiling and linking, and how a test is run.
CC_release := gcc
CC_debug   := gcc
CC_asan    := gcc
CC_tsan    := gcc
CC_clang   := clang
CC_fuzz    := clang
HARDEN := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection
# Lines are all that their stacks name: what more a debugger wants makes compiling and linking a third slower.
SANE   := -fno-sanitize-recover=all -fno-omit-frame-pointer -g1
FLAGS_release := $(HARDEN)
FLAGS_debug   := -Og -fno-omit-frame-pointer
FLAGS_asan    := -O1 -fsanitize=address,undefined $(SANE)
FLAGS_tsan    := -O1 -fsanitize=thread $(SANE)
FLAGS_clang   := $(HARDEN)
FLAGS_fuzz    := -O1 -fsanitize=fuzzer-no-link,address,undefined $(SANE)
LINK_release  := -Wl,-z,relro,-z,now
LINK_clang    := $(LINK_release)
CRITERION_asan := -Wl,--wrap=criterion_internal_test_teardown
ifeq ($(CC_$(FLAVOR)),)
$(error unknown FLAVOR '$(FLAVOR)': release, debug, asan, tsan, clang or fuzz)
endif

COMPILER := $(CC_$(FLAVOR))
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wimplicit-fallthrough
WARN_gcc := -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wnull-dereference
WARN_clang := -Wno-gnu
# What instrumented or unoptimised code makes gcc suspect; release finds the real ones.
UNSURE := -Wno-format-truncation -Wno-null-dereference -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow
WARN_gcc += $(if $(filter asan tsan debug,$(FLAVOR)),$(UNSURE))
INCLUDE := -Iserver -Iclients -I$(GEN)
# Asked of pkg-config once, and only when something is compiled: on a fresh machine it is not there yet.
PKGS := libevent libevent_openssl libevent_pthreads libsodium libprotobuf-c libpq openssl jansson inih libsystemd libcurl lmdb
# Only clients/paper sees these.
PAPER_PKGS := pangocairo libqrencode
ask    = $(eval $(1) := $(shell pkg-config $(2)))$($(1))
PKG_CFLAGS = $(call ask,PKG_CFLAGS,--cflags $(PKGS))
PKG_LIBS   = $(call ask,PKG_LIBS,--libs $(PKGS) $(PAPER_PKGS))
PAPER_ASKED = $(call ask,PAPER_ASKED,--cflags $(PAPER_PKGS))
PAPER_CFLAGS = $(patsubst -I%,-isystem%,$(PAPER_ASKED))
CRITERION  = $(call ask,CRITERION,--cflags --libs criterion)
STD    := -std=gnu11 -D_GNU_SOURCE -g -fPIE -pthread
CFLAGS_ALL = $(STD) $(FLAGS_$(FLAVOR)) $(INCLUDE) $(PKG_CFLAGS) $(CFLAGS)
LINK   = $(COMPILER) -pie -pthread $(FLAGS_$(FLAVOR)) $(LINK_$(FLAVOR)) -Wl,--as-needed $(LDFLAGS)
QUIET  := $(if $(V),,@)
say     = $(if $(V),@:,@echo "  $(1)	$(2)")

# ---- what there is -------------------------------------------------------------------------------------

PURE   := path replay wire core crypto base
SERVER := web witness store scratch net conf
LAYERS := $(SERVER) $(PURE)
objects = $(patsubst %.c,$(B)/obj/%.o,$(1))
archives = $(patsubst %,$(B)/lib%.a,$(1))

$(foreach l,$(filter-out conf,$(LAYERS)),$(eval SRC_$(l) := $(sort $(wildcard server/$(l)/*.c))))
SRC_conf        := $(filter-out server/main.c,$(sort $(wildcard server/*.c)))
SRC_libmanifest := $(sort $(wildcard clients/libmanifest/*.c))
# All of the program `manifest` but its main(), so that tests and fuzz targets can reach its parsers.
SRC_commands    := $(filter-out clients/manifest/main.c,$(sort $(wildcard clients/manifest/*.c)))
# Likewise the city's model and report.
SRC_city        := $(filter-out clients/city/main.c,$(sort $(wildcard clients/city/*.c)))
SRC_paper       := $(sort $(wildcard clients/paper/*.c))
SRC_bench       := $(filter-out tests/bench/without_log.c,$(sort $(wildcard tests/bench/*.c)))
# Helpers that several unit tests share: every file in tests/unit that is not itself a test.
SRC_support     := $(filter-out tests/unit/test_%,$(sort $(wildcard tests/unit/*.c)))
SRC_tests       := $(sort $(wildcard tests/unit/test_*.c))
# Those whose first line says "plain main" bring their own main(). ThreadSanitizer runs only them, not Criterion's.
SRC_plain       := $(if $(SRC_tests),$(shell awk 'FNR == 1 && /plain main/ { print FILENAME }' $(SRC_tests)))
ifeq ($(FLAVOR),tsan)
SRC_tests       := $(SRC_plain)
endif
SRC_fuzz        := $(sort $(wildcard tests/fuzz/fuzz_*.c))
GEN_C   := $(GEN)/manifest.pb-c.c
GEN_H   := $(GEN)/manifest.pb-c.h
GEN_PY  := $(GEN)/python/manifest_pb2.py

ALL_SRC := $(foreach l,$(LAYERS) libmanifest commands paper city bench support tests fuzz,$(SRC_$(l))) \
	$(wildcard server/main.c clients/manifest/main.c clients/city/main.c tests/bench/without_log.c)
SEALED := $(B)/sealed/libmanifest.a
PROGRAMS := $(if $(wildcard server/main.c),$(B)/manifestd) \
	$(if $(wildcard clients/manifest/main.c),$(B)/manifest) \
	$(if $(SRC_libmanifest),$(B)/libmanifest.a $(SEALED)) $(if $(SRC_city),$(B)/city) \
	$(if $(SRC_bench),$(B)/bench $(B)/manifestd-without-log)
TESTS := $(patsubst tests/unit/%.c,$(B)/tests/%,$(SRC_tests))
FUZZ  := $(patsubst tests/fuzz/%.c,$(B)/%,$(SRC_fuzz))

##@ Build
all: $(PROGRAMS) $(call archives,$(LAYERS)) $(GEN_PY) ## build everything for FLAVOR (release) into build/FLAVOR
.PHONY: all

# ---- compiling -----------------------------------------------------------------------------------------
# Files are written aside and renamed: a build cut short, or two at once, leave nothing half-written.

# Says which packages are missing and installs them; run once, and again when the list changes. What the goals need
# is asked for in one go: who may not install is told one command, not the next one each time.
NEEDS_TEST := test unit integration fuzz fuzz-smoke lint format
NEEDS_DEMO := demo serve bench test integration
needs = build $(if $(filter $(NEEDS_DEMO),$(MAKECMDGOALS)),demo) \
	$(if $(filter $(NEEDS_TEST),$(MAKECMDGOALS))$(filter clang,$(COMPILER)),test)
$(BUILD)/.packages-%: deploy/bootstrap
	$(QUIET)mkdir -p $(BUILD) && deploy/bootstrap $(sort $* $(needs)) && touch $@
# One after the other: two installations at once would wait for each other's lock.
$(BUILD)/.packages-demo: | $(BUILD)/.packages-build
$(BUILD)/.packages-test: | $(BUILD)/.packages-demo

$(GEN_C) $(GEN_H) &: proto/manifest.proto | $(BUILD)/.packages-build
	$(call say,GEN,$(GEN_C))
	$(QUIET)mkdir -p $(GEN) && protoc-c --proto_path=proto --c_out=$(GEN) proto/manifest.proto
$(GEN_PY): proto/manifest.proto | $(BUILD)/.packages-build
	$(call say,GEN,$@)
	$(QUIET)mkdir -p $(@D) && protoc --proto_path=proto --python_out=$(@D) proto/manifest.proto

# Holds the command line; changes only when that does, and then everything is compiled again.
$(B)/flags: always | $(BUILD)/.packages-$(if $(filter clang,$(COMPILER)),test,build)
	$(QUIET)mkdir -p $(@D); echo '$(COMPILER) $(WARN) $(WARN_$(COMPILER)) $(CFLAGS_ALL) $(LINK)' > $@.new; \
	cmp -s $@.new $@ && rm $@.new || mv $@.new $@
.PHONY: always

compile = mkdir -p $(@D) && $(COMPILER) $(CFLAGS_ALL) $(1) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -o $@.$$$$ $< && \
	mv $@.$$$$ $@
$(B)/obj/%.o: %.c $(B)/flags | $(GEN_H)
	$(call say,CC,$<)
	$(QUIET)$(call compile,$(WARN) $(WARN_$(COMPILER)))
$(call objects,server/main.c clients/manifest/main.c): private CFLAGS += -DVERSION=\"$(VERSION)\"
$(call objects,$(SRC_paper)): private CFLAGS += $(PAPER_CFLAGS)
$(B)/obj/manifest.pb-c.o: $(GEN_C) $(B)/flags
	$(call say,CC,$<)
	$(QUIET)$(call compile)
-include $(patsubst %.o,%.d,$(call objects,$(ALL_SRC)) $(B)/obj/manifest.pb-c.o)

# A folder without sources gives an empty archive. Made anew each time: the old one may hold objects of removed files.
define ARCHIVE
$(B)/lib$(1).a: $(2)
	$$(call say,AR,$$@)
	$$(QUIET)mkdir -p $$(@D) && ar rcs $$@.$$$$$$$$ $(2) && mv $$@.$$$$$$$$ $$@
endef
$(foreach l,$(filter-out wire,$(LAYERS)) commands paper city support,$(eval $(call ARCHIVE,$(l),$(call objects,$(SRC_$(l))))))
$(eval $(call ARCHIVE,wire,$(call objects,$(SRC_wire)) $(B)/obj/manifest.pb-c.o))
# With the pure layers in it: what our own programs link.
$(eval $(call ARCHIVE,manifest,$(call objects,$(SRC_libmanifest) $(foreach l,$(PURE),$(SRC_$(l)))) \
	$(B)/obj/manifest.pb-c.o))
# What is installed for other programs stands alone, and shows them nothing but names of its own.
SEALS := $(call objects,$(foreach l,libmanifest wire core crypto base,$(SRC_$(l)))) $(B)/obj/manifest.pb-c.o
$(SEALED): $(SEALS) deploy/seal-library
	$(call say,SEAL,$@)
	$(QUIET)$(COMPILER) $(INCLUDE) -E -P clients/libmanifest/libmanifest.h | deploy/seal-library $(@D) $(SEALS)

# ---- linking -------------------------------------------------------------------------------------------

# $(call PROGRAM,file,objects and archives,libraries)
define PROGRAM
$(1): $(2)
	$$(call say,LD,$$@)
	$$(QUIET)mkdir -p $$(@D) && $$(LINK) -o $$@.$$$$$$$$ -Wl,--start-group $(2) -Wl,--end-group $$(PKG_LIBS) $(3) && \
	mv $$@.$$$$$$$$ $$@
endef
$(eval $(call PROGRAM,$(B)/manifestd,$(call objects,server/main.c) $(call archives,$(LAYERS))))
$(eval $(call PROGRAM,$(B)/manifest,$(call objects,clients/manifest/main.c) $(call archives,commands paper store scratch manifest)))
$(eval $(call PROGRAM,$(B)/city,$(call objects,clients/city/main.c) $(call archives,city manifest)))
$(eval $(call PROGRAM,$(B)/bench,$(call objects,$(SRC_bench)) $(B)/libmanifest.a))
# The server with nothing in the place of these: tests/bench/without_log.c. Never installed.
WITHOUT_LOG := merkle_leaf tree_append tree_prove tree_commit proof_put checkpoint_sign high_water_raise
$(eval $(call PROGRAM,$(B)/manifestd-without-log,$(call objects,server/main.c tests/bench/without_log.c) \
	$(call archives,$(LAYERS)),$(addprefix -Xlinker --wrap=,$(WITHOUT_LOG))))

# A unit test sees the pure archives alone, unless it includes a header of net, store, scratch, web, conf or of the clients.
including = $(if $(SRC_tests),$(shell grep -lE '^\#include "($(1))[/.]' $(SRC_tests)))
TESTS_server  := $(call including,net|store|scratch|web|witness|conf)
TESTS_clients := $(call including,libmanifest|manifest|paper|city)
archives_of = $(call archives,support $(if $(filter $(1),$(TESTS_server)),$(SERVER)) \
	$(if $(filter $(1),$(TESTS_clients)),city commands paper store scratch manifest) $(PURE))
$(foreach c,$(SRC_tests),$(eval $(call PROGRAM,$(c:tests/unit/%.c=$(B)/tests/%),$(call objects,$(c)) \
	$(call archives_of,$(c)),$(if $(filter $(c),$(SRC_plain)),,$$(CRITERION) $$(CRITERION_$(FLAVOR))))))
$(call objects,$(SRC_tests) $(SRC_support)): | $(BUILD)/.packages-test

$(foreach f,$(notdir $(FUZZ)),$(eval $(call PROGRAM,$(B)/$(f),$(call objects,tests/fuzz/$(f).c) \
	$(call archives,commands paper manifest $(LAYERS)),-fsanitize=fuzzer)))

# ---- manual pages ----------------------------------------------------------------------------------------
# The settings are the program's own table, so that their page cannot lag behind.

MAN := $(wildcard deploy/man/*.[1-8]) $(patsubst deploy/man/%.in,$(BUILD)/man/%,$(wildcard deploy/man/*.in))
$(BUILD)/man/manifestd.conf.5: deploy/man/manifestd.conf.5.in $(B)/manifestd
	$(call say,MAN,$@)
	$(QUIET)mkdir -p $(@D) && $(B)/manifestd settings --man > $@.body && \
	sed -e '/^@SETTINGS@$$/{r $@.body' -e 'd}' $< > $@.new && rm $@.body && mv $@.new $@
$(BUILD)/man/manifest.1: deploy/man/manifest.1.in $(B)/manifest
	$(call say,MAN,$@)
	$(QUIET)mkdir -p $(@D) && $(B)/manifest help --man > $@.body && \
	sed -e '/^@COMMANDS@$$/{r $@.body' -e 'd}' $< > $@.new && rm $@.body && mv $@.new $@

# ---- what is done with it --------------------------------------------------------------------------------

##@ Run
demo: all | $(BUILD)/.packages-demo ## play a day of the city against a private PostgreSQL, and sum it up
	clients/city/demo $(B)
serve: all | $(BUILD)/.packages-demo ## run the server with a private PostgreSQL until interrupted
	deploy/serve $(B)
bench: all | $(BUILD)/.packages-demo ## measure: durable events a second, latency, CPU and memory, as JSON
	tests/bench/run $(B)
.PHONY: demo serve bench

##@ Test
# Whoever asks for another flavour asks make again with it.
again = +$(MAKE) --no-print-directory FLAVOR=$(1) $(2)

test: all $(TESTS) | $(BUILD)/.packages-test $(BUILD)/.packages-demo ## all tests of FLAVOR: unit and integration
	tests/run $(B)
unit: $(TESTS) ## the unit tests only
	tests/run $(B) unit
integration: all | $(BUILD)/.packages-test $(BUILD)/.packages-demo ## the integration tests only
	tests/run $(B) integration
test-asan: ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	$(call again,asan,test)
test-tsan: ## the threaded tests under ThreadSanitizer
	$(call again,tsan,test)
fuzz: $(FUZZ) ## build the fuzz targets of FLAVOR=fuzz
fuzz-smoke: | $(BUILD)/.packages-test ## every fuzz target for FUZZ_SECONDS (10)
	$(call again,fuzz,fuzz)
	tests/fuzz/smoke $(BUILD)/fuzz $(FUZZ_SECONDS)
# CHECK="layers tidy" runs only these.
lint: $(call archives,$(LAYERS)) | $(BUILD)/.packages-test ## layers, purity, headers, format, clang-tidy, shellcheck
	tests/lint/lint $(B) $(CHECK) -- $(COMPILER) $(CFLAGS_ALL) $(PAPER_CFLAGS) $(WARN) $(WARN_$(COMPILER))
format: | $(BUILD)/.packages-test ## let clang-format rewrite every source
	find server clients tests -name '*.[ch]' -exec clang-format-14 -i {} +
.PHONY: test unit integration test-asan test-tsan fuzz fuzz-smoke lint format

##@ Keep
TO := $(DESTDIR)$(PREFIX)
install: all $(MAN) ## install into DESTDIR and PREFIX (/usr/local)
	install -d $(addprefix $(TO)/,bin sbin lib/pkgconfig lib/systemd/system share/manifest)
	install -m 0755 $(B)/manifest $(TO)/bin/
	install -m 0755 $(B)/manifestd $(TO)/sbin/
	install -m 0644 $(SEALED) $(TO)/lib/
	# libmanifest.h and everything of ours that it includes, each after the names
	$(COMPILER) $(INCLUDE) -MM clients/libmanifest/libmanifest.h | tr ' ' '\n' | grep -E '\.(h|def)$$' | \
	while read -r header; do sed '1i #include "libmanifest/names.h"' "$$header" | \
		install -D -m 0644 /dev/stdin "$(TO)/include/manifest/$${header#*/}" || exit; done
	install -m 0644 $(dir $(SEALED))names.h $(TO)/include/manifest/libmanifest/
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' deploy/libmanifest.pc.in > $(TO)/lib/pkgconfig/libmanifest.pc
	sed 's|@PREFIX@|$(PREFIX)|' deploy/manifestd.service > $(TO)/lib/systemd/system/manifestd.service
	cp -R schema deploy/roles.sql deploy/manifestd.conf deploy/postgresql.conf \
		deploy/postgresql.environment deploy/sysctl.conf $(TO)/share/manifest/
	for page in $(MAN); do \
		install -D -m 0644 $$page $(TO)/share/man/man$${page##*.}/$${page##*/} || exit; done
clean: ## remove everything built
	rm -rf $(BUILD)
deps: ## install every Debian package that building, testing and the demo need
	deploy/bootstrap build test demo
help: ## list the targets
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
.PHONY: install clean deps help
