# Follows the child of fork-lock to where it hangs. Its timer is what ends the wait.
set pagination off
set style enabled off
set print inferior-events off
set print thread-events off
set detach-on-fork on
set follow-fork-mode child
handle SIGALRM stop print
