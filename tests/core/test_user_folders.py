import pytest

from core.errors import WinnowError
from core.user_folders import user_cache, user_data


def test_a_folder_of_the_user_that_cannot_be_made_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("WINNOW_DATA_DIR", str(tmp_path / "file/data"))
    monkeypatch.setenv("WINNOW_CACHE_DIR", "~nobody-of-this-name/cache")

    with pytest.raises(WinnowError, match="cannot be made .*WINNOW_DATA_DIR"):
        user_data()
    with pytest.raises(WinnowError, match="cannot be made .*WINNOW_CACHE_DIR"):
        user_cache()
