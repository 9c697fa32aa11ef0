/**
 * The system calls of Docker's default profile (Docker's documentation, "Seccomp security profiles for Docker", and what
 * dockerd 28 hands to its runtime), by what they are for. Each group holds the 32-bit and the `_time64` forms too. Names that
 * an architecture or an installed libseccomp does not have are skipped by runtimes.
 */

/** Allowed to everyone: they act on what the container has already, or ask the kernel's permission as any process must. */
export const ALLOWED: readonly string[] = [
  // Paths and their attributes.
  ...words(`access chdir chmod chown chown32 creat faccessat faccessat2 fchmodat fchmodat2 fchownat fstatat64 futimesat getcwd
    lchown lchown32 link linkat lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2
    readlink readlinkat rename renameat renameat2 rmdir stat stat64 statfs statfs64 statx symlink symlinkat truncate truncate64
    umask unlink unlinkat utime utimensat utimensat_time64 utimes`),
  ...words(`fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr
    lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat`),
  ...words("listmount statmount"),
  // Open files.
  ...words(`close close_range copy_file_range dup dup2 dup3 fadvise64 fadvise64_64 fallocate fchdir fchmod fchown fchown32 fcntl
    fcntl64 fdatasync flock fstat fstat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 getdents getdents64 ioctl _llseek lseek
    pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readv sendfile sendfile64 splice sync
    sync_file_range syncfs tee vmsplice write writev`),
  // Waiting for events, and asynchronous reads (not io_uring's).
  ...words(`epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2
    _newselect poll ppoll ppoll_time64 pselect6 pselect6_time64 select signalfd signalfd4`),
  ...words("fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch"),
  ...words("io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit"),
  // Memory.
  ...words(`brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2
    mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages`),
  // Sockets: `socket` itself has a rule of its own, and `socketcall` is all of them on 32-bit x86.
  ...words(`accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg
    send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair`),
  // Messages, semaphores, shared memory: in a namespace of the container's.
  ...words(`ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink
    msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget`),
  // Processes and threads.
  ...words(`execve execveat exit exit_group fork getcpu getpgid getpgrp getpid getppid getsid gettid get_robust_list
    get_thread_area pidfd_open pidfd_send_signal prctl process_mrelease restart_syscall rseq set_robust_list set_thread_area
    set_tid_address setpgid setsid uretprobe vfork wait4 waitid waitpid`),
  ...words("futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake"),
  ...words("process_vm_readv process_vm_writev ptrace"), // since Linux 4.8 a traced process cannot slip past the filter
  // Signals.
  ...words(`alarm getitimer kill pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
    rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo setitimer sigaltstack sigprocmask sigreturn tgkill tkill`),
  // Who one is: the kernel asks for capabilities where ids change.
  ...words(`capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32 getresuid
    getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32
    setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32`),
  // Time: adjtimex reads it for all, and sets it for CAP_SYS_TIME.
  ...words(`adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
    clock_nanosleep_time64 gettimeofday nanosleep time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64
    timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times`),
  // Scheduling and limits.
  ...words(`getpriority getrlimit getrusage ioprio_get ioprio_set prlimit64 sched_get_priority_max sched_get_priority_min
    sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64
    sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield setpriority setrlimit ugetrlimit`),
  // The machine's name and load, random numbers, and locking oneself in further.
  ...words("getrandom sysinfo uname landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp"),
];

/** Allowed on one kind of processor only, by Node's name for it. */
export const ALLOWED_ON: Readonly<Record<string, readonly string[]>> = {
  x64: ["arch_prctl", "modify_ldt"],
  arm64: ["arm_fadvise64_64", "arm_sync_file_range", "breakpoint", "cacheflush", "set_tls", "sync_file_range2"],
};

/** Allowed to who has one of the capabilities, forbidden to all others: they reach what is not confined to a namespace. */
export const WITH_CAPABILITY: readonly (readonly [capabilities: readonly string[], calls: readonly string[]])[] = [
  // Mounts and namespaces: a user namespace made inside would bring back every capability, in kernel code seldom walked.
  [
    ["CAP_SYS_ADMIN"],
    words(`fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount
      mount_setattr move_mount open_tree quotactl quotactl_fd setdomainname sethostname setns umount umount2 unshare`),
  ],
  [["CAP_SYS_ADMIN", "CAP_BPF"], ["bpf"]],
  [["CAP_SYS_ADMIN", "CAP_PERFMON"], ["perf_event_open"]],
  [["CAP_SYS_ADMIN", "CAP_SYSLOG"], ["syslog"]],
  [["CAP_DAC_READ_SEARCH"], ["open_by_handle_at"]], // opens files outside the container's root
  [["CAP_SYS_BOOT"], ["reboot"]],
  [["CAP_SYS_CHROOT"], ["chroot"]],
  [["CAP_SYS_MODULE"], ["delete_module", "finit_module", "init_module"]],
  [["CAP_SYS_NICE"], ["get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node"]],
  [["CAP_SYS_PACCT"], ["acct"]],
  [["CAP_SYS_PTRACE"], ["kcmp", "pidfd_getfd", "process_madvise"]],
  [["CAP_SYS_RAWIO"], ["ioperm", "iopl"]],
  [["CAP_SYS_TIME"], ["clock_settime", "clock_settime64", "settimeofday", "stime"]],
  [["CAP_SYS_TTY_CONFIG"], ["vhangup"]],
];

/**
 * Forbidden whatever the capabilities. Only a filter whose default is ENOSYS must name them; it leaves out what was superseded
 * long ago (ustat, uselib, vm86, sysfs, nfsservctl, the module calls of Linux 2.4, …): that is missing, then.
 */
export const FORBIDDEN: readonly string[] = [
  ...words("add_key keyctl request_key"), // keyrings belong to a user of the machine, not to a namespace
  ...words("io_uring_enter io_uring_register io_uring_setup userfaultfd"), // served many an exploit
  ...words("kexec_file_load kexec_load pivot_root swapoff swapon"), // the machine's, not a container's
  ...words("migrate_pages move_pages"), // the NUMA placement of others
];

function words(text: string): string[] {
  return text.split(/\s+/);
}
