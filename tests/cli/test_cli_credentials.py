"""Commands say so when the service knows credentials that they do not."""

from nfed.cli.config import describe_unseen, unseen_credentials


def test_credentials_of_the_service_are_named(tmp_path, monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    plain, encrypted = tmp_path / "plain", tmp_path / "encrypted"
    for store, names in ((plain, ["nfed.database_url", "other"]), (encrypted, ["nfed.api_token"])):
        store.mkdir()
        for name in names:
            (store / name).write_text("geheim")

    found = unseen_credentials([str(plain), str(encrypted), str(tmp_path / "none")])

    assert found == ["nfed.api_token", "nfed.database_url"]
    assert describe_unseen(found).startswith(
        "nfed.api_token, nfed.database_url: systemd hands this to the"
    )
    assert "geheim" not in describe_unseen(found)


def test_who_was_given_credentials_misses_none(tmp_path, monkeypatch):
    (tmp_path / "nfed.database_url").write_text("x")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/nfed.service")

    assert unseen_credentials([str(tmp_path)]) == []
