# Copyright (C) the ngx_sendkit_auth_module authors

# GNU make.  "make" alone shows what there is.

NGINX         = nginx
NGINX_SRC     = /usr/share/nginx/src
DESTDIR       =
MODULES_DIR   = /usr/lib/nginx/modules
CONF_DIR      = /etc/nginx
BIN_DIR       = /usr/bin
MAN_DIR       = /usr/share/man/man1
COMPLETION_DIR = /usr/share/bash-completion/completions

CC            = gcc
CLANG         = clang
OPT           = -O2 -g
HARDENING     = -D_FORTIFY_SOURCE=2 -fstack-protector-strong
HARDENING_LD  = -Wl,-z,relro -Wl,-z,now
WARNINGS      = -Wall -Wextra -Werror

# The test files to run, as in "make suite T=t/key.t".
T             = $(sort $(wildcard t/*.t))
PROVE_FLAGS   =
FUZZ_RUNS     = 100000
FUZZ_TIME     = 20
STRESS_TIME   = 600
SOAK_TIME     = 600
KEEP          =

export PATH  := $(PATH):/usr/sbin:/sbin

TOP          := $(CURDIR)
SRC           = ngx_sendkit_auth_module
MODULE        = build/ngx_sendkit_auth_module.so
SOURCES      := $(sort $(wildcard $(SRC)/*.[ch] $(SRC)/*/*.[ch]))
CORE         := $(wildcard $(SRC)/core/*.c)
CORE_HEADERS := $(wildcard $(SRC)/core/*.h t/unit/*.h fuzz/*.h)
AUTHCTL       = build/sendkit-authctl
AUTHCTL_SRC   = tools/authctl
AUTHCTL_C    := $(sort $(wildcard $(AUTHCTL_SRC)/*.c))
AUTHCTL_HEADERS := $(wildcard $(AUTHCTL_SRC)/*.h)
AUTHCTL_LIBS  = -l:libhiredis.a -ljansson -lcsv -lssl -lcrypto
SHM          := $(filter-out %_zone.c,$(wildcard $(SRC)/shm/*.c))
SHM_HEADERS  := $(wildcard $(SRC)/shm/*.h)
UNIT_TESTS   := $(patsubst t/unit/%.c,%,$(wildcard t/unit/test_*.c))
SHM_TESTS     = test_cache test_table test_table_steps
FUZZERS      := $(patsubst fuzz/%.c,%,$(wildcard fuzz/fuzz_*.c))
TEST_NGINX    = build/test-nginx/usr/share/perl5
PROVE         = prove $(PROVE_FLAGS) -It/lib -I$(TEST_NGINX)

# The unit tests are built twice, the second time with sanitizers.
UNIT_DIR      = build/unit
UNIT_FLAGS    = $(OPT) $(HARDENING)

SANITIZE      = -O1 -g -fno-omit-frame-pointer \
                -fsanitize=address,undefined -fno-sanitize-recover=all

VALGRIND      = --num-callers=50 --leak-check=no \
                --log-file=$(TOP)/build/valgrind/reports/report.%p \
                $(addprefix --suppressions=,$(wildcard t/valgrind.suppress))

.PHONY: help deps demo-deps build demo test style unit stress fuzz suite \
        soak sanitize valgrind bench install clean distclean FORCE
.DELETE_ON_ERROR:
.SECONDARY:


help:
	@echo 'make deps       install what the other targets need'
	@echo 'make build      build $(MODULE) for the installed nginx'
	@echo 'make demo       walk through the API with the module in front'
	@echo '                KEEP=1 leaves it running'
	@echo 'make test       style, unit, fuzz and suite, in this order'
	@echo 'make style      check the rules of the source code'
	@echo 'make unit       run the unit tests of core/, shm/, sendkit-authctl'
	@echo 'make stress     share the cache between processes that are killed'
	@echo '                STRESS_TIME=SECONDS; the unit tests do it for 5'
	@echo 'make fuzz       run the fuzzers of core/, replies, sendkit-authctl'
	@echo '                FUZZ_RUNS=N, FUZZ_TIME=SECONDS for each'
	@echo 'make suite      run the tests against the installed nginx'
	@echo '                T=t/FILE.t runs one file'
	@echo 'make soak       random changes, faults and requests, judged one by one'
	@echo '                SOAK_TIME=SECONDS, SOAK_SEED=N; see t/soak/run'
	@echo 'make sanitize   unit tests and suite with ASan and UBSan; T=t/FILE.t'
	@echo 'make valgrind   run the suite in valgrind; T=t/FILE.t'
	@echo 'make bench      measure the module against others: a quarter of an'
	@echo '                hour, writes docs/benchmarks.md; BENCH_ROUNDS=1'
	@echo '                BENCH_SECONDS=1 BENCH_KEYS=10000 for a trial'
	@echo 'make install    install the module, the routes of the SendKit API, and'
	@echo '                sendkit-authctl with its manual'
	@echo 'make clean      remove what was built'
	@echo 'make distclean  remove what was fetched, too'


deps:
	@tools/install-deps test

demo-deps:
	@tools/install-deps demo


# nginx's own build system, outside of the source tree.  In objs/Makefile our
# files and the generated list of modules have their own rules; the list has
# to stay visible to dlsym().

build: demo-deps
	@$(MAKE) --no-print-directory $(MODULE) $(AUTHCTL)

build/sources.list: FORCE
	@mkdir -p $(@D)
	@echo '$(SOURCES)' | cmp -s - $@ || echo '$(SOURCES)' > $@

build/objs/Makefile: config Makefile build/sources.list \
                     $(NGINX_SRC)/conf_flags $(NGINX_SRC)/src/core/nginx.h
	@rm -rf build/objs && mkdir -p build/objs
	@echo 'Configuring for nginx in $(NGINX_SRC)'
	@cd $(NGINX_SRC) && bash -c '. ./conf_flags && \
	    ./configure "$${NGX_CONF_FLAGS[@]}" \
	    --builddir="$(TOP)/build/objs" --add-dynamic-module="$(TOP)" \
	    --with-cc="$(CC)" \
	    --with-cc-opt="$(OPT) $(HARDENING) $(WARNINGS) -fPIC \
	        -fvisibility=hidden" \
	    --with-ld-opt="$(HARDENING_LD) -fPIC"' \
	    > $(TOP)/build/configure.log 2>&1 \
	    || { tail -n 20 $(TOP)/build/configure.log; rm -f $(TOP)/$@; exit 1; }
	@echo '%_modules.o: CFLAGS += -fvisibility=default' >> $@

$(MODULE): build/objs/Makefile FORCE
	@$(MAKE) --no-print-directory -s -C $(NGINX_SRC) -f $(TOP)/$< modules
	@cmp -s build/objs/$(@F) $@ \
	    || { cp build/objs/$(@F) $@.new && mv $@.new $@; }

FORCE:


# The operator's tool: plain C with the same core as the module.

AUTHCTL_DIR   = build/authctl
AUTHCTL_FLAGS = $(OPT) $(HARDENING)

$(AUTHCTL): $(AUTHCTL_C:$(AUTHCTL_SRC)/%.c=$(AUTHCTL_DIR)/%.o) \
            $(CORE:$(SRC)/%.c=$(AUTHCTL_DIR)/%.o)
	$(CC) $(AUTHCTL_FLAGS) $(HARDENING_LD) -o $@ $^ $(AUTHCTL_LIBS)

$(AUTHCTL_DIR)/%.o: $(AUTHCTL_SRC)/%.c $(AUTHCTL_HEADERS) $(CORE_HEADERS) \
                    Makefile
	@mkdir -p $(@D)
	$(CC) -std=gnu99 $(WARNINGS) $(AUTHCTL_FLAGS) -I$(SRC)/core -c -o $@ $<

$(AUTHCTL_DIR)/core/%.o: $(SRC)/core/%.c $(CORE_HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) -std=c99 $(WARNINGS) $(AUTHCTL_FLAGS) -I$(SRC)/core -c -o $@ $<


demo: build
	@KEEP=$(KEEP) tools/demo


test: deps
	@$(MAKE) --no-print-directory style
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory fuzz
	@$(MAKE) --no-print-directory suite

style:
	@.ci/style


unit: deps
	@$(MAKE) --no-print-directory run-unit

.PHONY: run-unit
run-unit: $(UNIT_TESTS:%=$(UNIT_DIR)/%) $(UNIT_DIR)/cache_stress
	prove -e '' $^

stress: deps
	@$(MAKE) --no-print-directory $(UNIT_DIR)/cache_stress
	$(UNIT_DIR)/cache_stress $(STRESS_TIME)

$(UNIT_DIR)/core/%.o: $(SRC)/core/%.c $(CORE_HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) -std=c99 $(WARNINGS) $(UNIT_FLAGS) -I$(SRC)/core -c -o $@ $<

$(patsubst %,$(UNIT_DIR)/%,$(filter-out test_authctl_% $(SHM_TESTS), \
    $(UNIT_TESTS))): \
    $(UNIT_DIR)/%: t/unit/%.c $(CORE:$(SRC)/%.c=$(UNIT_DIR)/%.o) \
                   $(CORE_HEADERS)
	@mkdir -p $(@D)
	$(CC) -std=c99 $(WARNINGS) $(UNIT_FLAGS) -I$(SRC)/core -It/unit -o $@ \
	    $(filter %.c %.o,$^) -lcrypto

# The cache includes nginx's headers, and calls nothing but nginx_core.h.

SHM_FLAGS     = -std=gnu11 $(WARNINGS) -Wno-unused-parameter \
                $(patsubst %,-I$(NGINX_SRC)/src/%,core event event/modules \
                event/quic os/unix) -Ibuild/objs -I$(SRC)/core -I$(SRC)/shm \
                -It/unit

$(UNIT_DIR)/shm/%.o: $(SRC)/shm/%.c $(SHM_HEADERS) $(CORE_HEADERS) \
                     build/objs/Makefile Makefile
	@mkdir -p $(@D)
	$(CC) $(SHM_FLAGS) $(UNIT_FLAGS) -c -o $@ $<

$(SHM_TESTS:%=$(UNIT_DIR)/%): $(UNIT_DIR)/%: t/unit/%.c
$(UNIT_DIR)/cache_stress: t/stress/cache_stress.c

$(SHM_TESTS:%=$(UNIT_DIR)/%) $(UNIT_DIR)/cache_stress: \
    $(SHM:$(SRC)/%.c=$(UNIT_DIR)/%.o)
	@mkdir -p $(@D)
	$(CC) $(SHM_FLAGS) $(UNIT_FLAGS) -o $@ $(filter %.c %.o,$^)

# The parts of the tool are tested with all of it but its main().

AUTHCTL_PARTS := $(filter-out authctl,$(AUTHCTL_C:$(AUTHCTL_SRC)/%.c=%))

$(UNIT_DIR)/authctl/%.o: $(AUTHCTL_SRC)/%.c $(AUTHCTL_HEADERS) \
                         $(CORE_HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) -std=gnu99 $(WARNINGS) $(UNIT_FLAGS) -I$(SRC)/core -c -o $@ $<

$(UNIT_DIR)/test_authctl_%: t/unit/test_authctl_%.c \
                            $(AUTHCTL_PARTS:%=$(UNIT_DIR)/authctl/%.o) \
                            $(CORE:$(SRC)/%.c=$(UNIT_DIR)/%.o) \
                            $(AUTHCTL_HEADERS) $(CORE_HEADERS)
	@mkdir -p $(@D)
	$(CC) -std=gnu99 $(WARNINGS) $(UNIT_FLAGS) -I$(SRC)/core -It/unit \
	    -I$(AUTHCTL_SRC) -o $@ $(filter %.c %.o,$^) $(AUTHCTL_LIBS)


# Each fuzzer starts from the corpus in the tree, if there is one, and writes
# what it finds elsewhere: the same run, the same result.

fuzz: deps
	@$(MAKE) --no-print-directory $(FUZZERS:%=run-%)

run-fuzz_%: build/fuzz/fuzz_%
	@rm -rf build/fuzz/corpus/$*
	@mkdir -p build/fuzz/corpus/$*
	$< -seed=1 -runs=$(FUZZ_RUNS) -max_total_time=$(FUZZ_TIME) -timeout=5 \
	    -verbosity=0 -print_final_stats=1 -artifact_prefix=build/fuzz/ \
	    build/fuzz/corpus/$* $(wildcard fuzz/corpus/$*)

build/fuzz/core/%.o: $(SRC)/core/%.c $(CORE_HEADERS) Makefile
	@mkdir -p $(@D)
	$(CLANG) -std=c99 $(WARNINGS) $(SANITIZE) -fsanitize=fuzzer-no-link \
	    -I$(SRC)/core -c -o $@ $<

$(patsubst %,build/fuzz/%,$(filter-out fuzz_reply fuzz_authctl_%, \
    $(FUZZERS))): \
    build/fuzz/%: fuzz/%.c $(CORE:$(SRC)/%.c=build/fuzz/%.o) $(CORE_HEADERS)
	@mkdir -p $(@D)
	$(CLANG) -std=c99 $(WARNINGS) $(SANITIZE) -fsanitize=fuzzer -I$(SRC)/core \
	    -Ifuzz -o $@ $(filter %.c %.o,$^) -l:libhiredis.a -lcrypto

# The codec includes nginx's headers, and calls nothing but nginx_core.h.

build/fuzz/redis/%.o: $(SRC)/redis/%.c $(SRC)/redis/%.h $(CORE_HEADERS) \
                      build/objs/Makefile Makefile
	@mkdir -p $(@D)
	$(CLANG) $(SHM_FLAGS) $(SANITIZE) -fsanitize=fuzzer-no-link -c -o $@ $<

build/fuzz/fuzz_reply: fuzz/fuzz_reply.c \
                       build/fuzz/redis/ngx_sendkit_auth_redis_codec.o \
                       $(CORE:$(SRC)/%.c=build/fuzz/%.o) $(CORE_HEADERS)
	@mkdir -p $(@D)
	$(CLANG) $(SHM_FLAGS) $(SANITIZE) -fsanitize=fuzzer -I$(SRC)/redis -Ifuzz \
	    -o $@ $(filter %.c %.o,$^) -l:libhiredis.a -lcrypto

build/fuzz/authctl/%.o: $(AUTHCTL_SRC)/%.c $(AUTHCTL_HEADERS) \
                        $(CORE_HEADERS) Makefile
	@mkdir -p $(@D)
	$(CLANG) -std=gnu99 $(WARNINGS) $(SANITIZE) -fsanitize=fuzzer-no-link \
	    -I$(SRC)/core -c -o $@ $<

build/fuzz/fuzz_authctl_%: fuzz/fuzz_authctl_%.c \
                           $(AUTHCTL_PARTS:%=build/fuzz/authctl/%.o) \
                           $(CORE:$(SRC)/%.c=build/fuzz/%.o) \
                           $(AUTHCTL_HEADERS) $(CORE_HEADERS)
	@mkdir -p $(@D)
	$(CLANG) -std=gnu99 $(WARNINGS) $(SANITIZE) -fsanitize=fuzzer \
	    -I$(SRC)/core -Ifuzz -I$(AUTHCTL_SRC) -o $@ \
	    $(filter %.c %.o,$^) $(AUTHCTL_LIBS)


suite: deps build
	TEST_NGINX_BINARY=$(NGINX) SENDKIT_AUTH_MODULE=$(TOP)/$(MODULE) \
	    SENDKIT_AUTHCTL=$(TOP)/$(AUTHCTL) $(PROVE) $(T)

soak: deps build
	@TEST_NGINX_BINARY=$(NGINX) SENDKIT_AUTH_MODULE=$(TOP)/$(MODULE) \
	    SOAK_TIME=$(SOAK_TIME) SOAK_SEED=$(SOAK_SEED) t/soak/run


# The module is linked into these two, so there is no module to load.  The
# tests fail if there is a new file in the directory for reports.

SANITIZED     = build/sanitize/sendkit-authctl

sanitize: deps
	@$(MAKE) --no-print-directory run-unit UNIT_DIR=build/sanitize/unit \
	    UNIT_FLAGS='$(SANITIZE)'
	@$(MAKE) --no-print-directory $(SANITIZED) AUTHCTL=$(SANITIZED) \
	    AUTHCTL_DIR=build/sanitize/authctl AUTHCTL_FLAGS='$(SANITIZE)'
	tools/build-test-nginx sanitize
	@rm -f build/sanitize/reports/*
	TEST_NGINX_BINARY=$(TOP)/build/sanitize/nginx SENDKIT_AUTH_MODULE= \
	    SENDKIT_AUTH_REPORTS=$(TOP)/build/sanitize/reports \
	    SENDKIT_AUTHCTL=$(TOP)/$(SANITIZED) \
	    SENDKIT_AUTH_SLOW=1 TEST_NGINX_TIMEOUT=10 $(PROVE) $(T)

# Only reports whose stack has our functions count: nginx has its own.

valgrind: deps
	@$(MAKE) --no-print-directory $(AUTHCTL)
	tools/build-test-nginx valgrind
	@rm -f build/valgrind/reports/*
	TEST_NGINX_BINARY=$(TOP)/build/valgrind/nginx SENDKIT_AUTH_MODULE= \
	    SENDKIT_AUTH_REPORTS=$(TOP)/build/valgrind/reports \
	    SENDKIT_AUTHCTL=$(TOP)/$(AUTHCTL) \
	    SENDKIT_AUTH_SLOW=1 TEST_NGINX_TIMEOUT=20 TEST_NGINX_SLEEP=0.3 \
	    TEST_NGINX_USE_VALGRIND='$(VALGRIND)' $(PROVE) $(T)


# What is not given is as bench/run has it.

bench: build
	@tools/install-deps bench
	@TEST_NGINX_BINARY=$(NGINX) SENDKIT_AUTH_MODULE=$(TOP)/$(MODULE) \
	    bench/revocation
	@BENCH_ROUNDS=$(BENCH_ROUNDS) BENCH_SECONDS=$(BENCH_SECONDS) \
	    BENCH_REQUESTS=$(BENCH_REQUESTS) BENCH_KEYS=$(BENCH_KEYS) \
	    BENCH_COUNTED=$(BENCH_COUNTED) BENCH_DOCS=$(BENCH_DOCS) \
	    TEST_NGINX_BINARY=$(NGINX) \
	    perl -It/lib -Ibench/lib bench/run


install: build
	install -d $(DESTDIR)$(MODULES_DIR) $(DESTDIR)$(CONF_DIR)
	install -m 644 $(MODULE) $(DESTDIR)$(MODULES_DIR)
	install -m 644 conf/sendkit_v1_routes.conf $(DESTDIR)$(CONF_DIR)
	install -d $(DESTDIR)$(BIN_DIR) $(DESTDIR)$(MAN_DIR) \
	    $(DESTDIR)$(COMPLETION_DIR)
	install $(AUTHCTL) $(DESTDIR)$(BIN_DIR)
	install -m 644 docs/sendkit-authctl.1 $(DESTDIR)$(MAN_DIR)
	install -m 644 $(AUTHCTL_SRC)/sendkit-authctl.bash \
	    $(DESTDIR)$(COMPLETION_DIR)/sendkit-authctl


clean:
	rm -rf $(MODULE) $(AUTHCTL) build/objs build/authctl build/unit \
	    build/fuzz build/*.log build/sources.list build/sanitize \
	    build/valgrind

distclean:
	rm -rf build
