
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * A set of the table at each instruction of a process that stores to it or
 * looks up in it, which is traced for that.  What the others then see must be
 * an entry as it was stored, or nothing; also if the process ends there, and
 * if it goes on after others have stored.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "ngx_sendkit_auth_table.h"
#include "nginx_core.h"
#include "tap.h"


#define TEST_SIZE      128
#define TEST_NAME_LEN  32
#define TEST_OWNER     0xffffffff
#define TEST_OLD       1
#define TEST_NEW       2
#define TEST_NEWER     3
#define TEST_PLACES    64


/* of a reader that is traced */

typedef struct {
    u_char                    name[TEST_NAME_LEN];
    ngx_sendkit_auth_entry_t  entry;
    unsigned                  found;
} test_shared_t;


typedef struct {
    ngx_sendkit_auth_table_t  table;
    ngx_sendkit_auth_table_t  copy;
    size_t                    len;
    test_shared_t            *shared;
    pid_t                     pid;
    pid_t                     gone;     /* nobody has this pid */
} test_steps_t;


typedef void (*test_process_pt)(test_steps_t *steps);


static void test_init(test_steps_t *steps);
static void test_reset(test_steps_t *steps);
static void test_writer_ends(test_steps_t *steps, tap_t *tap);
static void test_writer_goes_on(test_steps_t *steps, tap_t *tap);
static void test_reader_goes_on(test_steps_t *steps, tap_t *tap);
static void test_store_new(test_steps_t *steps);
static void test_look_up(test_steps_t *steps);

static void test_start(test_steps_t *steps, test_process_pt process);
static int test_step(test_steps_t *steps);
static int test_write(test_steps_t *steps, unsigned n);
static void test_continue(test_steps_t *steps);

static ngx_int_t test_store(ngx_sendkit_auth_table_t *table, unsigned name,
    unsigned version);
static unsigned test_lookup(ngx_sendkit_auth_table_t *table, unsigned name);
static unsigned test_version(const ngx_sendkit_auth_entry_t *entry,
    unsigned name);
static void test_entry(ngx_sendkit_auth_entry_t *entry, unsigned name,
    unsigned version);
static ngx_uint_t test_is_alive(void *data,
    const ngx_sendkit_auth_entry_t *entry);


int
main(void)
{
    tap_t         tap;
    test_steps_t  steps;

    memset(&tap, 0, sizeof(tap_t));

    test_init(&steps);

    test_writer_ends(&steps, &tap);
    test_writer_goes_on(&steps, &tap);
    test_reader_goes_on(&steps, &tap);

    return tap_done(&tap);
}


static void
test_init(test_steps_t *steps)
{
    u_char                    *memory;
    ngx_sendkit_auth_entry_t   entry;

    memset(steps, 0, sizeof(test_steps_t));

    steps->len = ngx_sendkit_auth_table_set_size(TEST_SIZE);

    memory = mmap(NULL, 3 * steps->len, PROT_READ|PROT_WRITE,
                  MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap()");
        exit(2);
    }

    steps->table.sets = memory;
    steps->table.nsets = 1;
    steps->table.size = TEST_SIZE;
    steps->table.name_len = TEST_NAME_LEN;
    steps->table.seed = 1;

    steps->copy = steps->table;
    steps->copy.sets = memory + steps->len;

    steps->shared = (test_shared_t *) (memory + 2 * steps->len);
    test_entry(&entry, 0, 0);
    memcpy(steps->shared->name, entry.bytes, TEST_NAME_LEN);

    steps->gone = fork();

    if (steps->gone == 0) {
        _exit(0);
    }

    (void) waitpid(steps->gone, NULL, 0);

    ngx_pid = getpid();
}


/* a full set, with the old version of each name */

static void
test_reset(test_steps_t *steps)
{
    unsigned  i;

    memset(steps->table.sets, 0, steps->len);

    for (i = 0; i < NGX_SENDKIT_AUTH_TABLE_WAYS; i++) {
        (void) test_store(&steps->table, i, TEST_OLD);
    }
}


/*
 * At each step a reader looks up in the set.  And in a copy of it, whose
 * owner is gone, another name is stored: what is half there must not come to
 * life by that.
 */

static void
test_writer_ends(test_steps_t *steps, tap_t *tap)
{
    unsigned   count, held, i, stored, version, wrong, zombies;
    uint64_t  *lock;

    count = 0;
    held = 0;
    stored = 0;
    wrong = 0;
    zombies = 0;

    lock = (uint64_t *) steps->copy.sets;

    test_reset(steps);
    test_start(steps, test_store_new);

    while (test_step(steps)) {
        count++;

        version = test_lookup(&steps->table, 0);
        wrong += version != 0 && version != TEST_OLD && version != TEST_NEW;

        memcpy(steps->copy.sets, steps->table.sets, steps->len);

        if ((*lock & TEST_OWNER) == 0) {
            continue;
        }

        held++;
        *lock ^= (uint64_t) (steps->pid ^ steps->gone);

        stored += test_store(&steps->copy, 1, TEST_NEW) == NGX_OK
                  && test_lookup(&steps->copy, 1) == TEST_NEW;

        for (i = 0; i < NGX_SENDKIT_AUTH_TABLE_WAYS; i++) {
            zombies += i != 1 && test_lookup(&steps->copy, i) != 0;
        }
    }

    printf("# %u instructions, %u with the lock\n", count, held);

    tap_ok(tap, held != 0, "a store takes the lock");
    tap_number(tap, wrong, 0,
               "at no instruction of a store a reader sees half an entry");
    tap_number(tap, stored, held,
               "wherever a writer ended, another one can store to its set");
    tap_number(tap, zombies, 0, "what the set has held is gone then");
    tap_number(tap, test_lookup(&steps->table, 0), TEST_NEW,
               "after the store the entry is there");
}


/*
 * Others try after each word that the writer has written, it goes on, and
 * they look up.
 */

static void
test_writer_goes_on(test_steps_t *steps, tap_t *tap)
{
    unsigned   i, n, stolen, version, wrong;
    uint64_t  *lock;
    ngx_int_t  rc;

    stolen = 0;
    wrong = 0;

    lock = (uint64_t *) steps->table.sets;

    for (n = 0; /* void */ ; n++) {
        test_reset(steps);
        test_start(steps, test_store_new);

        if (!test_write(steps, n)) {
            break;
        }

        version = (*lock & TEST_OWNER) == (uint64_t) steps->pid;
        rc = test_store(&steps->table, 0, TEST_NEWER);
        stolen += version != 0 && rc == NGX_OK;

        version = test_lookup(&steps->table, 0);
        wrong += rc == NGX_OK && version != TEST_NEWER;

        test_continue(steps);

        for (i = 0; i < NGX_SENDKIT_AUTH_TABLE_WAYS; i++) {
            version = test_lookup(&steps->table, i);
            wrong += i == 0 ? version != TEST_NEW && version != TEST_NEWER
                            : version != TEST_OLD;
        }
    }

    printf("# a writer that wrote %u words\n", n - 1);

    tap_ok(tap, n > (TEST_SIZE - TEST_NAME_LEN) / sizeof(uint64_t),
           "a writer was stopped after each word");
    tap_number(tap, stolen, 0,
               "nobody stores to the set of a writer that lives");
    tap_number(tap, wrong, 0,
               "of two writers at a time one leaves a whole entry");
}


/* others store after some of its steps, and the reader goes on */

static void
test_reader_goes_on(test_steps_t *steps, tap_t *tap)
{
    unsigned  i, all, found, n, old, places, wrong;

    all = 0;
    found = 0;
    old = 0;
    wrong = 0;

    test_reset(steps);
    test_start(steps, test_look_up);

    while (test_step(steps)) {
        all++;
    }

    places = 0;

    for (n = 0; n < all; n += 1 + all / TEST_PLACES) {
        test_reset(steps);
        test_start(steps, test_look_up);

        for (i = 0; i < n && test_step(steps); i++) {
            /* void */
        }

        (void) test_store(&steps->table, 0, TEST_NEW);

        test_continue(steps);

        i = test_version(&steps->shared->entry, 0);

        places++;
        found += steps->shared->found;
        old += steps->shared->found && i == TEST_OLD;
        wrong += steps->shared->found && i != TEST_OLD && i != TEST_NEW;
    }

    printf("# a reader with %u instructions, stopped in %u places: found %u "
           "times, %u times the old version\n", all, places, found, old);

    tap_ok(tap, old != 0 && old < found && found == places,
           "a reader finds the old entry, or sees a writer, and finds the new "
           "one in its second set, which here is the same");
    tap_number(tap, wrong, 0,
               "a reader never gets a mixture of two versions");
}


static void
test_store_new(test_steps_t *steps)
{
    (void) test_store(&steps->table, 0, TEST_NEW);
}


static void
test_look_up(test_steps_t *steps)
{
    test_shared_t  *shared;

    shared = steps->shared;

    shared->found = ngx_sendkit_auth_table_lookup(&steps->table, shared->name,
                                                  &shared->entry)
                    == NGX_OK;
}


/* stopped right before the process begins */

static void
test_start(test_steps_t *steps, test_process_pt process)
{
    int  status;

    steps->shared->found = 0;
    steps->pid = fork();

    if (steps->pid == 0) {
        ngx_pid = getpid();

        (void) ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        (void) raise(SIGSTOP);

        process(steps);
        _exit(0);
    }

    if (steps->pid == -1 || waitpid(steps->pid, &status, 0) != steps->pid
        || !WIFSTOPPED(status)
        || ptrace(PTRACE_SETOPTIONS, steps->pid, NULL, PTRACE_O_EXITKILL)
           == -1)
    {
        perror("a process cannot be traced");
        exit(2);
    }
}


/* 0: the process has ended */

static int
test_step(test_steps_t *steps)
{
    int  status;

    return ptrace(PTRACE_SINGLESTEP, steps->pid, NULL, NULL) == 0
           && waitpid(steps->pid, &status, 0) == steps->pid
           && WIFSTOPPED(status);
}


/* steps until it has written "n" words; 0: it has ended before */

static int
test_write(test_steps_t *steps, unsigned n)
{
    for ( ;; ) {
        memcpy(steps->copy.sets, steps->table.sets, steps->len);

        do {
            if (n == 0) {
                return 1;
            }

            if (!test_step(steps)) {
                return 0;
            }

        } while (memcmp(steps->copy.sets, steps->table.sets, steps->len) == 0);

        n--;
    }
}


static void
test_continue(test_steps_t *steps)
{
    (void) ptrace(PTRACE_CONT, steps->pid, NULL, NULL);
    (void) waitpid(steps->pid, NULL, 0);
}


static ngx_int_t
test_store(ngx_sendkit_auth_table_t *table, unsigned name, unsigned version)
{
    ngx_uint_t                evicted;
    ngx_sendkit_auth_entry_t  entry;

    test_entry(&entry, name, version);

    return ngx_sendkit_auth_table_store(table, &entry, test_is_alive, NULL,
                                        &evicted);
}


/* the version; 0: a miss */

static unsigned
test_lookup(ngx_sendkit_auth_table_t *table, unsigned name)
{
    ngx_sendkit_auth_entry_t  entry, found;

    test_entry(&entry, name, 0);

    return ngx_sendkit_auth_table_lookup(table, entry.bytes, &found) == NGX_OK
           ? test_version(&found, name) : 0;
}


/* above all versions: not what was stored */

static unsigned
test_version(const ngx_sendkit_auth_entry_t *entry, unsigned name)
{
    unsigned                  version;
    ngx_sendkit_auth_entry_t  expected;

    for (version = TEST_OLD; version <= TEST_NEWER; version++) {
        test_entry(&expected, name, version);
        expected.sum = entry->sum;

        if (memcmp(entry, &expected, TEST_SIZE) == 0) {
            return version;
        }
    }

    return version;
}


/* each word of an entry, but for its name, differs between versions */

static void
test_entry(ngx_sendkit_auth_entry_t *entry, unsigned name, unsigned version)
{
    memset(entry, 0, sizeof(ngx_sendkit_auth_entry_t));

    entry->expires = version;
    entry->generation = version;
    entry->slots[0] = (uint16_t) version;

    memset(entry->bytes, (int) (name + 1), TEST_NAME_LEN);
    memset(entry->bytes + TEST_NAME_LEN, (int) version,
           TEST_SIZE - offsetof(ngx_sendkit_auth_entry_t, bytes)
           - TEST_NAME_LEN);
}


static ngx_uint_t
test_is_alive(void *data, const ngx_sendkit_auth_entry_t *entry)
{
    return 1;
}
