"""A sound server with a device that nobody hears, by which browsers play: PulseAudio."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tests.support.waiting import eventually

COMMAND = "pulseaudio"


class SoundServer:
    def __init__(self) -> None:
        self._directory = tempfile.mkdtemp(prefix="pos-notif-sound-")
        path = Path(self._directory, "native")
        self.address = f"unix:{path}"  # as PULSE_SERVER
        self._process = subprocess.Popen(
            [
                COMMAND, "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes",
                "-L", "module-null-sink", "-L", f"module-native-protocol-unix auth-anonymous=1 socket={path}",
            ],
            env={"HOME": self._directory, "XDG_RUNTIME_DIR": self._directory},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            eventually(path.exists)
        except BaseException:
            self.close()
            raise

    def hang(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)
