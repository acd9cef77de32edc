# pq: make, make check, make install. Needs a C compiler and GNU make; the tests need bats, and make lint its linters.
#
#   make                 build/pq, and build/pq-TOOL, links to it
#   make check           run every test; make tests builds them
#   make lint            shellcheck, mandoc, codespell, cppcheck; the layout, the includes and the
#                        length of functions of the C files; whether the documents agree
#   make format          format the C files (clang-format 14)
#   make static          build/static/pq and build/static/pq-TOOL, each one static file (musl; make static STATIC_CC=…)
#   make dist            build/pq-VERSION.tar.gz, the same bytes from the same commit
#   make deb             build/pq_VERSION_ARCH.deb, with the static program if STATIC_CC is there; MAINTAINER='NAME <MAIL>'
#   make fuzz [TIME=60]  each parser under libFuzzer for so many seconds (clang)
#   make bench           costs, beside sysstat's
#   make vmtest          the live tests on real kernels in virtual machines (qemu)
#   make install [PREFIX=/usr/local] [DESTDIR=] [UNITDIR=], make uninstall, make clean

PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/pq
UNITDIR = $(PREFIX)/lib/systemd/system
BASHDIR = $(PREFIX)/share/bash-completion/completions
ZSHDIR = $(PREFIX)/share/zsh/site-functions
FISHDIR = $(PREFIX)/share/fish/vendor_completions.d
DESTDIR =

B = build
CFLAGS = -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
LDFLAGS =
STATIC_CC = musl-gcc
# Such a program is loaded at a fixed place whatever its code is made for: tables of pointers need no relocation then, and code
# is shorter.
STATIC_CFLAGS = -Os -fno-pie -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables
STATIC_LDFLAGS = -static -no-pie -s -Wl,--gc-sections -Wl,-z,noseparate-code
FUZZ_CC = clang
TIME = 60

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
	-Wformat=2 -Wundef -Wvla
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -Isrc -pthread $(WARNINGS) -ffile-prefix-map=$(CURDIR)=. $(CFLAGS)

VERSION := $(shell sed -n 's/^.define PQ_VERSION "\(.*\)"$$/\1/p' src/version.h)
TOOLS = runq cpu throttle mem tasks runqlat wait psi disk sock top limits who why report diff check record tape trace export
SRC = $(sort $(wildcard src/*.c src/*/*.c src/*/*/*.c))
OBJ = $(SRC:%.c=$(B)/%.o)
LIB_OBJ = $(filter-out $(B)/src/main.o,$(OBJ))
UNIT = $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/*.c))
REPLAY = $(patsubst tests/fuzz/%.c,$(B)/replay/%,$(wildcard tests/fuzz/*.c))
FUZZ = $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*.c))
BATS = $(wildcard tests/*.bats)
UNITS = pq-record.service pq-export.service
EXAMPLES = $(addprefix scripts/examples/,pq-record.yaml pq-export.yaml prometheus/rules.yaml prometheus/dashboard.json)

.PHONY: all check tests lint format static dist deb fuzz bench vmtest install uninstall clean
.DELETE_ON_ERROR:

all: $(B)/pq $(TOOLS:%=$(B)/pq-%)

$(B)/pq: $(OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(OBJ) -lm

$(TOOLS:%=$(B)/pq-%): $(B)/pq
	ln -sf pq $@

$(B)/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The style sheet and the script of pq report, as lines of C strings.
$(B)/gen/%.inc: src/commands/report/%
	@mkdir -p $(@D)
	sed 's/[\\"]/\\&/g; s/.*/"&\\n",/' $< >$@

$(B)/src/commands/report/page.o: ALL_CFLAGS += -I$(B)/gen
$(B)/src/commands/report/page.o: $(B)/gen/page.css.inc $(B)/gen/page.js.inc

-include $(OBJ:.o=.d)

# Everything but main.
$(B)/libpq.a: $(LIB_OBJ)
	rm -f $@
	ar rcs $@ $(LIB_OBJ)

# The program of one tool: the same objects, and a main that knows only that tool.
$(B)/only/pq-%: src/main.c $(B)/libpq.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -DPQ_ONLY=$* -o $@ src/main.c $(B)/libpq.a -lm

STATIC_BUILD = B=$(B)/musl CC="$(STATIC_CC)" CFLAGS="$(STATIC_CFLAGS)" LDFLAGS="$(STATIC_LDFLAGS)"

static:
	$(MAKE) $(STATIC_BUILD) $(B)/musl/pq $(TOOLS:%=$(B)/musl/only/pq-%)
	mkdir -p $(B)/static
	cp $(B)/musl/pq $(TOOLS:%=$(B)/musl/only/pq-%) $(B)/static/

dist:
	scripts/dist $(VERSION) $(B)

# After static, since both build in $(B)/musl.
HAVE_STATIC = $(shell command -v $(STATIC_CC))

deb: $(if $(HAVE_STATIC),static,all)
	rm -rf $(B)/deb
	$(MAKE) $(if $(HAVE_STATIC),$(STATIC_BUILD)) install DESTDIR=$(abspath $(B)/deb) PREFIX=/usr \
		ZSHDIR=/usr/share/zsh/vendor-completions
	scripts/deb $(B)/deb $(VERSION) $(B)

# scripts/tests runs them, one bats file per CPU at a time, and counts the results.
check: tests
	scripts/tests $(B)

tests: all $(UNIT) $(REPLAY) $(B)/tests/helper $(B)/tests/locks $(B)/tests/queues $(B)/tests/trace $(B)/tests/trace_sample $(B)/tests/ring $(B)/tests/marks

# Programs that bats files run.
$(B)/tests/helper $(B)/tests/locks $(B)/tests/queues: $(B)/tests/%: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $<

$(B)/tests/trace $(B)/tests/trace_sample $(B)/tests/ring $(B)/tests/marks: $(B)/tests/%: tests/%.c $(B)/libpq.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(B)/libpq.a -lm

$(B)/tests/%: tests/unit/%.c $(wildcard tests/unit/*.h) $(B)/libpq.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(B)/libpq.a -lm

$(B)/replay/%: tests/fuzz/%.c $(wildcard tests/fuzz/*.h) $(B)/libpq.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -DREPLAY -o $@ $< $(B)/libpq.a -lm

$(B)/fuzz/%: tests/fuzz/%.c $(B)/libpq.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $(B)/libpq.a -lm

fuzz:
	$(MAKE) B=$(B)/fuzzing CC=$(FUZZ_CC) CFLAGS="-O1 -g -fsanitize=fuzzer-no-link,address,undefined" \
		LDFLAGS="-fsanitize=address,undefined" $(FUZZ:$(B)/%=$(B)/fuzzing/%)
	for f in $(FUZZ:$(B)/%=$(B)/fuzzing/%); do \
		mkdir -p $(B)/corpus/$$(basename $$f) && \
		$$f -max_total_time=$(TIME) -max_len=16384 -print_final_stats=1 -artifact_prefix=$(B)/corpus/ $(B)/corpus/$$(basename $$f) \
			tests/fuzz/corpus/$$(basename $$f) || exit 1; done

lint:
	scripts/lint

format:
	scripts/format

bench: all
	scripts/bench/run $(B)/pq

vmtest: static
	scripts/vmtest $(B)/static/pq

install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) \
		$(DESTDIR)$(FISHDIR) $(DESTDIR)$(DOCDIR)/examples $(DESTDIR)$(UNITDIR)
	install -m 755 $(B)/pq $(DESTDIR)$(BINDIR)/pq
	for t in $(TOOLS); do ln -sf pq $(DESTDIR)$(BINDIR)/pq-$$t; done
	install -m 644 man/pq.1 $(TOOLS:%=man/pq-%.1) $(DESTDIR)$(MANDIR)/man1/
	install -m 644 man/pq-tape.5 man/pq-trace.5 $(DESTDIR)$(MANDIR)/man5/
	install -m 755 scripts/examples/fetch-pprof $(DESTDIR)$(DOCDIR)/examples/
	install -m 644 $(EXAMPLES) $(DESTDIR)$(DOCDIR)/examples/
	for u in $(UNITS); do sed 's,/usr/local/bin,$(BINDIR),' scripts/examples/$$u >$(DESTDIR)$(UNITDIR)/$$u && \
		chmod 644 $(DESTDIR)$(UNITDIR)/$$u || exit 1; done
	scripts/completions bash $(B)/pq >$(DESTDIR)$(BASHDIR)/pq
	for t in $(TOOLS); do ln -sf pq $(DESTDIR)$(BASHDIR)/pq-$$t; done
	scripts/completions zsh $(B)/pq >$(DESTDIR)$(ZSHDIR)/_pq
	scripts/completions fish $(B)/pq >$(DESTDIR)$(FISHDIR)/pq.fish
	chmod 644 $(DESTDIR)$(BASHDIR)/pq $(DESTDIR)$(ZSHDIR)/_pq $(DESTDIR)$(FISHDIR)/pq.fish

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/pq $(TOOLS:%=$(DESTDIR)$(BINDIR)/pq-%)
	rm -f $(DESTDIR)$(MANDIR)/man1/pq.1 $(TOOLS:%=$(DESTDIR)$(MANDIR)/man1/pq-%.1) $(DESTDIR)$(MANDIR)/man5/pq-tape.5 \
		$(DESTDIR)$(MANDIR)/man5/pq-trace.5
	for e in fetch-pprof $(notdir $(EXAMPLES)); do rm -f $(DESTDIR)$(DOCDIR)/examples/$$e; done
	rm -f $(UNITS:%=$(DESTDIR)$(UNITDIR)/%)
	rmdir $(DESTDIR)$(DOCDIR)/examples $(DESTDIR)$(DOCDIR) 2>/dev/null || :
	rm -f $(DESTDIR)$(BASHDIR)/pq $(TOOLS:%=$(DESTDIR)$(BASHDIR)/pq-%) $(DESTDIR)$(ZSHDIR)/_pq \
		$(DESTDIR)$(FISHDIR)/pq.fish

clean:
	rm -rf $(B)
