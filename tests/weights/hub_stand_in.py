"""A stand-in for the Hugging Face hub: folders of this machine served as models, failing as a test asks for."""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import huggingface_hub.constants
from huggingface_hub import constants

# Files with these endings the hub keeps by their SHA-256; the others by git's SHA-1.
LARGE = (".safetensors", ".bin", ".h5", ".model")
API = re.compile(r"/api/models/(?P<id>.+?)(/revision/(?P<revision>.+))?")
FILE = re.compile(r"/(?P<id>.+?)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")


class HubStandIn:
    """Serves models until the `with` block ends.

    Attributes:
        models: dict from `"organisation/model"` to a `Path`, the folder that is served as its only commit, `main`.
        asked: list of str, `"GET config.json"` or `"GET api"`, with ` bytes=5-` at the end where a range was asked for.
        failing: dict from a model to `(status, code)`, the answer to questions for its files; `code` is the hub's.
        cut: dict from a file to the bytes after which the connection ends, the next time.
        damaged: set of files whose first byte comes wrong.
        address: str, what HF_ENDPOINT is to be.
    """

    def __init__(self, **models):
        self.models, self.asked, self.failing, self.cut, self.damaged = dict(models), [], {}, {}, set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        huggingface_hub.close_session()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def be_the_hub(self, patch, cache):
        """Have `huggingface_hub` ask here and keep files in `cache`. (It read the environment when it was imported.)"""
        patch.setenv("NO_PROXY", "127.0.0.1")
        for name, value in {
            "ENDPOINT": self.address,
            "HUGGINGFACE_CO_URL_TEMPLATE": self.address + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_CACHE": str(cache),
            "HF_HUB_DISABLE_XET": True,
            "HF_HUB_OFFLINE": False,
            "HF_HUB_DISABLE_IMPLICIT_TOKEN": True,
            "HF_HUB_DISABLE_PROGRESS_BARS": True,
        }.items():
            patch.setattr(constants, name, value)
        huggingface_hub.close_session()

    def files_asked(self):
        """The files that were sent, whole or in part, in order."""
        return [each.split()[1] for each in self.asked if each.startswith("GET") and "GET api" not in each]

    def commit(self, model):
        """The commit of a model: it changes with the names and sizes of its files."""
        state = [(name, path.stat().st_size) for name, path in self.files(model).items()]
        return hashlib.sha1(f"{model}{state}".encode()).hexdigest()

    def files(self, model):
        """The files of a model by their names, in order."""
        folder = self.models[model]
        return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}


def git_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def log_message(self, *_):
        pass

    def _answer(self):
        path = unquote(urlsplit(self.path).path)
        api, file = API.fullmatch(path), FILE.fullmatch(path)
        found = api or file
        if found is None:  # the library asks for other things than models
            return self._refuse(404, None)
        limits = f" {self.headers['Range']}" if self.headers["Range"] else ""
        self.hub.asked.append(f"{self.command} {'api' if api else found['file']}{limits}")
        model, revision = found["id"], found["revision"] or "main"
        if model not in self.hub.models:
            return self._refuse(401, "RepoNotFound")
        if revision not in ("main", self.hub.commit(model)):
            return self._refuse(404, "RevisionNotFound")
        if api:
            return self._send(json.dumps(self._listing(model)).encode(), {"Content-Type": "application/json"})
        if model in self.hub.failing:
            return self._refuse(*self.hub.failing[model])
        path = self.hub.models[model] / file["file"]
        if not path.is_file():
            return self._refuse(404, "EntryNotFound")
        return self._send_file(model, path)

    def _listing(self, model):
        files = []
        for name, path in self.hub.files(model).items():
            content = path.read_bytes()
            file = {"rfilename": name, "size": len(content), "blobId": git_sha1(content)}
            if path.suffix in LARGE:
                digest = hashlib.sha256(content).hexdigest()
                file["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 130}
            files.append(file)
        return {"id": model, "modelId": model, "sha": self.hub.commit(model), "siblings": files, "tags": []}

    def _send_file(self, model, path):
        content = path.read_bytes()
        headers = {"X-Repo-Commit": self.hub.commit(model), "ETag": f'"{git_sha1(content)}"', "Accept-Ranges": "bytes"}
        if path.suffix in LARGE:
            headers["X-Linked-ETag"] = f'"{hashlib.sha256(content).hexdigest()}"'
            headers["X-Linked-Size"] = str(len(content))
        if path.name in self.hub.damaged:
            content = bytes([content[0] ^ 1]) + content[1:]
        status, start = 200, 0
        if self.headers["Range"]:
            status, start = 206, int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        end = self.hub.cut.pop(path.name, None) if self.command == "GET" else None
        self._send(content[start:], headers, status, end)

    def _refuse(self, status, code):
        self._send(b"{}", {"X-Error-Code": code} if code else {}, status)

    def _send(self, content, headers, status=200, end=None):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[:end])
        if end is not None:
            self.close_connection = True
