"""Starting processes in namespaces of their own, and joining those of others.

A cluster hangs on one process: PID 1 of its PID namespace. When that dies, of whatever, the kernel kills every process
in the namespace and with the last of them go the network and mount namespaces, their links, rules and mounts. So
nothing has to be remembered in order to clean up, and a crash at any instant cleans up by itself.
"""

import ctypes
import os
import resource
import signal

from lib.progress import Failure

NEWNS, NEWUTS, NEWPID, NEWNET = 0x00020000, 0x04000000, 0x20000000, 0x40000000
KINDS = {"mnt": NEWNS, "uts": NEWUTS, "pid": NEWPID, "net": NEWNET}

TRUE, FALSE, RAISED = 0, 1, 2  # exit statuses of run_inside's process

# Containers inherit the limit; Debian's containerd.service gives the same.
OPEN_FILES = 1048576

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def join(pid, *kinds):
    """Moves the caller into namespaces of pid; for "pid" it is the caller's next children that move."""
    # All are opened first: after "mnt" the caller's /proc may be another one.
    handles = [(os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC), KINDS[kind]) for kind in kinds]
    for handle, flag in handles:
        _check(_libc.setns(handle, flag), f"setns of process {pid}")
        os.close(handle)


def run_inside(pid, kind, function):
    """Calls function() in a process of its own that has joined that namespace of pid; whether it returned something true. Fails if it
    raised something."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = RAISED
        try:
            join(pid, kind)
            status = TRUE if function() else FALSE
        except BaseException as error:  # pylint: disable=broad-except
            os.write(writer, str(error).encode())
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as answer:
        reason = answer.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (TRUE, FALSE):
        raise Failure(reason)
    return status == TRUE


def spawn(command, *, environment, log, joining=None, kinds=(), new=0, name=None, hostname=None):
    """Starts a daemon and returns once it has replaced this program's image; its output is appended to the file `log`.

    It first joins namespaces (`kinds`) of process `joining`, then makes the `new` ones (flags). Its parent is PID 1 of
    the PID namespace that it was started from, which must reap it. `name` becomes its argv[0].
    """
    # Closed by a successful exec, so that end of file means "it runs" and text means "it does not, because".
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        try:
            os.close(reader)
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            if joining:
                join(joining, *kinds)
                if new & NEWPID:
                    _fork_on()  # a PID namespace can be made only from inside its parent
            if new:
                _check(_libc.unshare(new), "unshare")
            _fork_on()  # the child is the first in the PID namespace
            _become(command, environment, output, name, hostname)
        except BaseException as error:  # pylint: disable=broad-except
            os.write(writer, str(error).encode())
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as answer:
        reason = answer.read()
    os.waitpid(middle, 0)
    if reason:
        raise Failure(f"cannot start {command[0]}: {reason}")


def _fork_on():
    if os.fork():
        os._exit(0)


def _become(command, environment, output, name, hostname):
    os.setsid()
    os.chdir("/")
    os.umask(0o022)
    if hostname:
        _check(_libc.sethostname(hostname.encode(), len(hostname)), "sethostname")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    # Python ignores these, and an ignored signal stays ignored across exec.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    words = [str(word) for word in command]
    os.execve(words[0], [name or words[0], *words[1:]], environment)
