"""What the files of a tokenizer at Hugging Face ask for: read, and refused where it is not what we do."""

import dataclasses
import functools
from pathlib import Path

from zoo.weights.strict_json import read_json

TOKENIZER_FILE, SETTINGS_FILE = "tokenizer.json", "tokenizer_config.json"
ADDED_FILE, SPECIAL_FILE = "added_tokens.json", "special_tokens_map.json"
# Where the settings list tokens beside those that have a name; the second since version 5 of transformers.
LISTS = ("additional_special_tokens", "extra_special_tokens")
# Bytes; the quarter of a million pieces of a multilingual model are 20 million.
LARGEST_TOKENIZER = 64_000_000


@dataclasses.dataclass(frozen=True)
class TokenizerFiles:
    """The files of a tokenizer, any of which may be absent.

    Attributes:
        folder: `Path`.
    """

    folder: Path

    @functools.cached_property
    def settings(self) -> dict:
        """What `tokenizer_config.json` says."""
        return self._read(SETTINGS_FILE)

    @functools.cached_property
    def whole(self) -> dict:
        """What `tokenizer.json` says, in which everything can be."""
        return self._read(TOKENIZER_FILE, LARGEST_TOKENIZER)

    @functools.cached_property
    def model(self) -> str | None:
        """The kind of pieces in `tokenizer.json`, such as `"BPE"`."""
        return (self.whole.get("model") or {}).get("type")

    def _read(self, name, *largest):
        path = self.folder / name
        return read_json(path, *largest) if path.is_file() else {}

    def added_tokens(self) -> list[str]:
        """The tokens that are found in a text before it is cut into words, wherever a file lists some."""
        found = [*self._read(ADDED_FILE), *(self.whole.get("added_tokens") or ())]
        found += (self.settings.get("added_tokens_decoder") or {}).values()
        for lists in (self.settings, self._read(SPECIAL_FILE)):
            for listed in (lists.get(name) or () for name in LISTS):
                found += listed.values() if isinstance(listed, dict) else listed
        return [each["content"] if isinstance(each, dict) else each for each in found]

    def check_setting(self, name: str, only) -> None:
        """Refuse another value of a setting; None and nothing are the same."""
        if (self.settings.get(name, only) or None) != (only or None):
            raise ValueError(
                f"{name}: only {only!r} is implemented. Received: {self.settings[name]!r} in "
                f"{self.folder / SETTINGS_FILE}. Give a `tokenizer` of your own."
            )

    def check_part(self, part: str, only: dict) -> None:
        """Refuse another kind of a part of `tokenizer.json`, if there is one, or another value of what it says."""
        found = (self.whole.get(part) or {}) if self.whole else only
        usual = {**only, "type": None}
        wrong = {key: found.get(key, usual[key]) for key in only}
        wrong = {key: value for key, value in wrong.items() if (value or None) != (only[key] or None)}
        if wrong:
            raise ValueError(
                f"{part}: only { {key: only[key] for key in wrong} } is implemented. Received: {wrong} in "
                f"{self.folder / TOKENIZER_FILE}. Give a `tokenizer` of your own."
            )

    def check_added(self, tokenizer) -> None:
        """Refuse tokens that are found in a text as a whole, and that the tokenizer does not know as special."""
        known = {*type(tokenizer).tokens_of_names.values(), *map(tokenizer.id_to_token, tokenizer.sentinel_ids)}
        if unknown := sorted(set(self.added_tokens()) - known):
            raise ValueError(
                "Tokens beside the usual special ones, which a text is searched for before it is cut into pieces, are "
                f"not implemented. Received: {unknown[:5]} in {self.folder}. Give a `tokenizer` of your own."
            )
