"""A second Python that tokenizes: started as a program of its own.

`multiprocessing` would import the user's script again in every process (or copy a process in which
TensorFlow or JAX run threads); a program of its own does neither, so `prepare` may be called from the
first line of a script.
"""

import os
import pickle
import signal
import subprocess
import sys
import tempfile

_LAST_WORDS_BYTES = 2_000


class EncoderProcess:
    """A call writes a shard in another process, which the first call starts.

    Args:
        arguments: tuple, folder (str), segmenter and `max_record_tokens` of a `zoo.data.encoding.ShardEncoder`.
    """

    def __init__(self, arguments: tuple):
        self._arguments = arguments
        self._process = None

    def _start(self) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            # One thread a process: the processes share the cores already.
            "TOKENIZERS_PARALLELISM": "false",
            "RAYON_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        # What libraries log while they load would break the progress bar; it is shown if the process fails.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (`end` closes it)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "zoo.data.encoder_process", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
        )
        self._send(self._arguments)

    def __call__(self, number: int, texts) -> dict:
        """Write shard `number`; gives its counts, raises what went wrong in the process."""
        try:
            if self._process is None:
                self._start()
            self._send((number, list(texts)))
            result = pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            raise RuntimeError(self._describe_end()) from error
        if isinstance(result, Exception):
            raise result
        return result

    def _describe_end(self) -> str:
        code = self._process.wait()
        self._log.seek(0)
        last_words = self._log.read()[-_LAST_WORDS_BYTES:].decode("utf-8", "replace").strip()
        return (
            f"A process that tokenizes ended early, with exit code {code}. If memory is short, use fewer workers. "
            f"Finished shards are kept: the same call goes on after them. Its last words: {last_words or 'none'}"
        )

    def end(self) -> None:
        """End the process at once; a shard in the making is lost."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._log.close()

    def _send(self, message) -> None:
        pickle.dump(message, self._process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
        self._process.stdin.flush()


def serve(requests, answers, asker: int) -> None:
    """Write the shards that are asked for until there are no more requests, or nobody who asks.

    Args:
        requests: binary stream of pickles: the arguments, then pairs of shard number and texts.
        answers: binary stream, gets the counts of each shard or the exception.
        asker: int, number of the process that started this one.
    """
    from zoo.data.encoding import ShardEncoder
    from zoo.data.tokenizer_folder import load_tokenizer

    encoder = None
    while True:
        try:
            request = pickle.load(requests)
        except EOFError:
            return
        if os.getppid() != asker:
            return
        try:
            if encoder is None:
                folder, segmenter, max_record_tokens = request
                encoder = ShardEncoder(folder, load_tokenizer(folder), segmenter, max_record_tokens)
                continue
            answer = encoder(*request)
        except Exception as error:  # whatever it is, the first process reports it
            answer = error
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    # The process that started this one decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not get among the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, answers, int(sys.argv[1]))
