"""System calls that no reader of a file needs, by their numbers on x86-64 and on aarch64.

Sources: the kernel's `arch/x86/entry/syscalls/syscall_64.tbl` and `include/uapi/asm-generic/unistd.h`.
"""

from __future__ import annotations

_DENIED = """
# the network, and io_uring, which reaches it without these calls
socket 41 198, socketpair 53 199, connect 42 203, bind 49 200, listen 50 201, accept 43 202,
accept4 288 242, io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427,
# other programs and processes
fork 57 -, vfork 58 -, execve 59 221, execveat 322 281, ptrace 101 117, process_vm_readv 310 270,
process_vm_writev 311 271, process_madvise 440 440, process_mrelease 448 448, kcmp 312 272,
pidfd_open 434 434, pidfd_getfd 438 438, pidfd_send_signal 424 424, kill 62 129, tkill 200 130,
rt_sigqueueinfo 129 138, rt_tgsigqueueinfo 297 240, setpgid 109 154, setsid 112 157, setpriority 141 140,
ioprio_set 251 30, sched_setscheduler 144 119, sched_setparam 142 118, sched_setattr 314 274,
sched_setaffinity 203 122, migrate_pages 256 238, move_pages 279 239, shmget 29 194, shmat 30 196,
shmctl 31 195, semget 64 190, semop 65 193, semctl 66 191, semtimedop 220 192, msgget 68 186,
msgsnd 69 189, msgrcv 70 188, msgctl 71 187, mq_open 240 180, mq_unlink 241 181,
# whatever changes a file or a folder, or tells of changes
inotify_init 253 -, inotify_init1 294 26, inotify_add_watch 254 27, sync 162 81, syncfs 306 267,
creat 85 -, truncate 76 45, ftruncate 77 46, fallocate 285 47, unlink 87 -, unlinkat 263 35, rename 82 -,
renameat 264 38, renameat2 316 276, link 86 -, linkat 265 37, symlink 88 -, symlinkat 266 36, mkdir 83 -,
mkdirat 258 34, rmdir 84 -, mknod 133 -, mknodat 259 33, chmod 90 -, fchmod 91 52, fchmodat 268 53,
fchmodat2 452 452, chown 92 -, lchown 94 -, fchown 93 55, fchownat 260 54, utime 132 -, utimes 235 -,
utimensat 280 88, futimesat 261 -, setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7, setxattrat 463 463,
removexattr 197 14, lremovexattr 198 15, fremovexattr 199 16, removexattrat 466 466, memfd_create 319 279,
memfd_secret 447 447, name_to_handle_at 303 264, open_by_handle_at 304 265, quotactl 179 60,
quotactl_fd 443 443,
# the machine, for a service that runs as root
mount 165 40, umount2 166 39, pivot_root 155 41, chroot 161 51, unshare 272 97, setns 308 268,
open_tree 428 428, open_tree_attr 467 467, move_mount 429 429, fsopen 430 430, fsconfig 431 431,
fsmount 432 432, fspick 433 433, mount_setattr 442 442, bpf 321 280, perf_event_open 298 241,
userfaultfd 323 282, fanotify_init 300 262, add_key 248 217, request_key 249 218, keyctl 250 219,
init_module 175 105, finit_module 313 273, delete_module 176 106, kexec_load 246 104,
kexec_file_load 320 294, reboot 169 142, swapon 167 224, swapoff 168 225, acct 163 89, syslog 103 116,
vhangup 153 58, settimeofday 164 170, clock_settime 227 112, adjtimex 159 171, clock_adjtime 305 266,
sethostname 170 161, setdomainname 171 162, ioperm 173 -, iopl 172 -, personality 135 92
"""

_SPECIAL = """
open 2 -, openat 257 56, openat2 437 437, clone 56 220, clone3 435 435, prctl 157 167, prlimit64 302 261,
tgkill 234 131, fcntl 72 25
"""

LAST_KNOWN = 467
"""Later calls do not exist, as far as a reader is told."""

_COLUMNS = {"x86_64": 1, "aarch64": 2}


def denied(machine: str) -> list[int]:
    """Numbers of the calls to refuse; the machine by its name in `os.uname`."""
    return list(_numbers(_DENIED, machine).values())


def special(machine: str) -> dict[str, int]:
    """Numbers of the calls that are refused for some of their arguments only, or said not to exist."""
    return _numbers(_SPECIAL, machine)


def _numbers(table: str, machine: str) -> dict[str, int]:
    lines = [line for line in table.splitlines() if not line.startswith("#")]
    calls = [call.split() for call in " ".join(lines).split(",")]
    return {call[0]: int(call[_COLUMNS[machine]]) for call in calls if call[_COLUMNS[machine]] != "-"}
