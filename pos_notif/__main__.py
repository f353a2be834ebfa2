"""The program: `pos-notif`, and `python -m pos_notif`.

It says in one line where it cannot run. So every Python, 2.7 too, must be able to read this file and the package's
`__init__`, and neither imports what might not be there.
"""

import signal
import sys


def main():
    # type: () -> None
    problem = _unsuitable()
    if problem:
        sys.stderr.write("pos-notif: " + problem + "\n")
        sys.exit(2)
    try:
        from .cli.main import main as command_line

        command_line()
    except KeyboardInterrupt:  # before a command has begun
        sys.stderr.write("pos-notif: interrupted\n")
        sys.exit(1)
    finally:  # one more, while the program ends, would leave a traceback
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _unsuitable():
    # type: () -> str | None
    if sys.version_info < (3, 11):  # noqa: UP036 - pip refuses to install it there, but a checkout can be run
        return "needs Python 3.11 or newer; this is " + sys.version.split()[0] + " (" + sys.executable + ")"
    try:
        import fcntl  # noqa: F401
    except ImportError:
        return "needs Linux (macOS will do to try it); this is " + sys.platform + ", without fcntl's locks on files"
    return None


if __name__ == "__main__":
    main()
