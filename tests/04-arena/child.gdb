# Follows the child of fork-lock to where it waits, and prints the stack, the
# owner of the lock and all threads. The child's own timer ends the wait.
set pagination off
set confirm off
set print inferior-events off
set print thread-events off
set follow-fork-mode child
handle SIGALRM stop print
run
backtrace
printf "the owner of the lock is thread %d\n", arena.lock.__data.__owner
echo the threads of this process:\n
info threads
kill
