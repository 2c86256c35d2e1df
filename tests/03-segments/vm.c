/* The seam to the kernel: what vm_map and vm_unmap of vm.c promise to the heap,
   and that the heap asks the kernel for nothing else. */
#define _GNU_SOURCE /* syscall and MAP_ANONYMOUS */
#include "03-segments/vm.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "03-segments/MyMalloc.h"
#include "report.h"

TestSuite(Kernel, .init = watchdog);
TestSuite(system, .init = watchdog);

enum { PAGE = 4096 };

Test(Kernel, gives_pages_that_are_zero_and_can_be_written)
{
    for (size_t n = 1; n <= 2000; n *= 3) {
        unsigned char *page = vm_map(n * PAGE);
        cr_assert(page != NULL, "vm_map(%zu) returned NULL", n * PAGE);
        cr_assert((uintptr_t)page % PAGE == 0, "a mapping is not aligned");
        for (size_t i = 0; i < n * PAGE; i++)
            cr_assert(page[i] == 0, "byte %zu is not 0", i);
        memset(page, 0xa5, n * PAGE);
        cr_assert(vm_unmap(page, n * PAGE) == 0, "vm_unmap failed");
    }
}

/* Some machines let pages be read that may only be written: ask the kernel. */
static void read_permissions(const void *page, char permissions[5])
{
    strcpy(permissions, "none");
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[300];
    uintptr_t start, end;
    cr_assert(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL)
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &start, &end,
                   permissions) == 3 &&
            (uintptr_t)page >= start && (uintptr_t)page < end)
            break;
        else
            strcpy(permissions, "none");
    fclose(maps);
}

Test(Kernel, gives_pages_that_may_be_read_and_written_and_not_run)
{
    char permissions[5], *page = vm_map(3 * PAGE);
    cr_assert(page != NULL);
    for (int n = 0; n < 3; n++) {
        read_permissions(page + n * PAGE, permissions);
        cr_assert(strcmp(permissions, "rw-p") == 0, "a page is %s",
                  permissions);
    }
    vm_unmap(page, 3 * PAGE);
}

static bool is_there(const void *page)
{
    char permissions[5];
    read_permissions(page, permissions);
    return permissions[0] == 'r';
}

Test(Kernel, takes_pages_back)
{
    char *page = vm_map(5 * PAGE);
    cr_assert(page != NULL);
    cr_assert(vm_unmap(page, PAGE) == 0 &&
              vm_unmap(page + 4 * PAGE, PAGE) == 0);
    for (int n = 0; n < 5; n++)
        cr_assert(is_there(page + n * PAGE) == (n > 0 && n < 4),
                  "page %d of 5 when the first and last are unmapped", n);
    cr_assert(vm_unmap(page + PAGE, 3 * PAGE) == 0);
    for (int n = 0; n < 5; n++)
        cr_assert(!is_there(page + n * PAGE), "page %d stays", n);
}

Test(Kernel, says_NULL_when_it_has_no_room)
{
    cr_assert(vm_map((size_t)1 << 60) == NULL, "2^60 bytes are mapped");
    cr_assert(vm_map(SIZE_MAX / PAGE * PAGE) == NULL, "2^64 bytes are mapped");
}

Test(Kernel, says_so_when_it_can_not_take_pages_back)
{
    char *page = vm_map(2 * PAGE);
    cr_assert(vm_unmap(page + 1, PAGE) != 0, "bytes are no pages");
    page[0] = page[2 * PAGE - 1] = 1;
    cr_assert(vm_unmap(page, 2 * PAGE) == 0);
}

#ifndef __SANITIZE_ADDRESS__ /* which has calls of its own */

/* From now on this process may map, unmap, wait for a lock and end. Every other
   call of the kernel is its end. */
static void allow_mappings_alone(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_munmap, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        _exit(77);
}

/* Returns 0 if all went well. */
static int use_the_heap(void)
{
    enum { COUNT = 2000 };
    static void *payload[COUNT];
    for (size_t round = 0; round < 4; round++)
        for (size_t n = 0; n < COUNT; n++) {
            size_t request = n * n * (round + 1) % 5000 + 1;
            if (n % 50 == 0)
                request *= 200;
            MyFree(payload[n]);
            payload[n] = n % 2 == 0 ? MyMalloc(request) : MyCalloc(request, 1);
            if (payload[n] == NULL)
                return 1;
            memset(payload[n], 1, request);
            if (n % 5 == 0)
                payload[n] = MyRealloc(payload[n], request * 2);
            if (payload[n] == NULL)
                return 1;
        }
    for (size_t n = 0; n < COUNT; n++)
        MyFree(payload[n]);
    return MyMalloc(SIZE_MAX) == NULL ? 0 : 1;
}

Test(system, calls_are_mmap_and_munmap_alone)
{
    pid_t child = fork();
    if (child == 0) {
        allow_mappings_alone();
        _exit(use_the_heap());
    }
    int status = 0;
    cr_assert(waitpid(child, &status, 0) == child);
    bool is_refused = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
    cr_assert(!is_refused, "the heap calls the kernel for more");
    cr_assert(WEXITSTATUS(status) == 0, "the child ends with %d",
              WEXITSTATUS(status));
}

#endif
