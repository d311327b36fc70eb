from core.collect.web.fetch import Fetcher


def png(handler):
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(buffer, "PNG")
    handler.say(200, buffer.getvalue(), content_type="image/png")


def test_a_picture_arrives_whole_under_a_name_of_our_own(site, tmp_path):
    site.answers["/red.png"] = png

    fetched = Fetcher(tmp_path).fetch(site.url("/red.png"))

    assert fetched.reason is None
    assert fetched.path == tmp_path / "1"
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_many_arrive(site, tmp_path):
    site.answers["*"] = png
    urls = [site.url(f"/{number}.png") for number in range(200)]

    found = list(Fetcher(tmp_path).fetch_all(urls))

    assert sorted(url for url, _ in found) == sorted(urls)
    assert all(fetch.path and fetch.path.exists() for _, fetch in found)
    assert site.most_active <= 8
