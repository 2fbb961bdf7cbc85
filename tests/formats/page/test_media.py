"""Pictures and players of a page: the real ones, at their places."""

import pytest

from tests.formats.page.test_body import HEAD, PARTS, TEXT, page
from tests.formats.pages import Parse
from worker.model import Attachment


@pytest.mark.parametrize(
    "picture",
    [
        '<img class="placeholder"><noscript><img src="/real.jpg"></noscript>',
        '<noscript><img src="/real.jpg"></noscript><img data-src="/other.jpg" src="data:,">',
        '<div><img src="/blank.gif"></div><noscript><img src="/real.jpg"></noscript>',
        '<noscript><img src="/real.jpg" width="640"></noscript>',
        '<amp-img src="/real.jpg"></amp-img>',
        '<img src="/img/placeholder.png" srcset="/small.jpg 300w, /real.jpg 900w">',
        '<picture><source srcset="/real.jpg 900w"><img src="/blank.gif"></picture>',
        '<picture><source data-srcset="/real.jpg"><img src="data:image/gif;base64,R0"></picture>',
        '<img src="about:blank" data-srcset="/small.jpg 300w, /real.jpg 900w">',
    ],
)
def test_real_pictures_replace_placeholders(picture: str, parse: Parse) -> None:
    """The picture that a person sees stands once, without its placeholder."""
    html = parse(page(f"<article>{HEAD}<p>{PARTS[0]}</p><figure>{picture}</figure>{TEXT}")).html
    assert html.count("<img") == 1
    assert html.count("/real.jpg") == 1
    assert not any(name in html for name in ("blank.gif", "placeholder.png", "other.jpg"))


def test_a_tracking_pixel_is_no_picture(parse: Parse) -> None:
    """A counter in `noscript` does not become a picture."""
    pixel = '<noscript><img src="https://count.example/p.gif" width="1" height="1"></noscript>'
    assert "<img" not in parse(page(f"<article>{HEAD}{TEXT}{pixel}{TEXT}</article>")).html


def test_a_picture_that_ends_the_text(parse: Parse) -> None:
    """A paragraph of a picture alone behind the text is the article's; a link's is not."""
    picture = '<p><img src="/last.jpg"></p>'
    html = page(f"<article>{HEAD}{TEXT}{picture}<div><img src='/logo.png'></div></article>")
    found = parse(html).html
    assert "/last.jpg" in found
    assert "/logo.png" not in found


@pytest.mark.parametrize(
    ("picture", "is_lead"),
    [
        ("<div class='hero'>{0}<p>The quay on Monday. Photo: A. Vera</p></div>", True),
        ("<div><a href='/full.jpg?w=9'>{0}</a><p>The quay on Monday</p></div>", True),
        ("<div>{0}</div><p>By <a href='/a'>Ann Vera</a></p>", True),
        ("<div class='author-card'>{0}<p>Ann Vera writes on ships</p></div>", False),
        ("<a href='https://shop.example/'>{0}</a><p>By Ann Vera</p>", False),
        ("<ul><li>{0}</li></ul><p>By Ann Vera</p>", False),
        ("<div class='nothing'><a href='/b'>Tugs for sale</a>{0}</div><p>Monday</p>", False),
    ],
)
def test_lead_pictures(picture: str, is_lead: bool, parse: Parse) -> None:
    """A picture between heading and text is the article's, with a caption or a byline after it; not
    portraits, thumbnails, and those that link to or stand with something else."""
    shown = picture.format("<img src='/lead.jpg'>")
    html = parse(page(f"<article>{HEAD}{shown}<div>{TEXT}</div></article>")).html
    assert ("/lead.jpg" in html) is is_lead


@pytest.mark.parametrize(("tag", "is_lead"), [("header", True), ("article", True), ("div", False)])
def test_lead_pictures_above_the_heading(tag: str, is_lead: bool, parse: Parse) -> None:
    """A picture above the heading is the article's if both are in its header or in the article."""
    lead = "<div class='top'><img src='/lead.jpg'></div><p><a href='/s'>Harbours</a></p>"
    inside = f"<{tag}>{lead}{HEAD}<p>By <a href='/a'>Ann Vera</a></p></{tag}><div>{TEXT}</div>"
    assert ("/lead.jpg" in parse(page(inside)).html) is is_lead
    named = inside.replace("<img ", "<img class='o-noteEyecatch__image' ")
    assert "/lead.jpg" in parse(page(named)).html


@pytest.mark.parametrize(
    ("player", "url", "mime_type"),
    [
        ('<video src="/film.mp4" title="Film"></video>', "https://p.example/film.mp4", None),
        (
            '<video><source src="/film.webm" type="video/webm"></video>',
            "https://p.example/film.webm",
            "video/webm",
        ),
        ('<audio src="/talk.mp3"></audio>', "https://p.example/talk.mp3", None),
        ('<iframe src="https://v.example/embed/1"></iframe>', "https://v.example/embed/1", None),
        ('<iframe data-src="//v.example/embed/2"></iframe>', "https://v.example/embed/2", None),
    ],
)
def test_players_are_attachments(
    player: str, url: str, mime_type: str | None, parse: Parse
) -> None:
    """Film, sound and embedded players in the article are attachments; adverts are not."""
    advert = '<iframe src="https://ad.doubleclick.net/x"></iframe>'
    inside = f"<article>{HEAD}<p>{PARTS[0]}</p>{player}{advert}{TEXT}</article>"
    (found,) = parse(page(inside), "https://p.example/1").attachments
    assert found == Attachment(url, mime_type, "Film" if "Film" in player else None)


def test_pictures_around_the_article_are_left_out(parse: Parse) -> None:
    """A logo, the picture of a teaser and an avatar are not the article's."""
    teaser = (
        '<div class="box"><a href="/x"><img src="/teaser.jpg"><p>A teaser of a story</p></a></div>'
    )
    around = '<div class="top"><a href="/"><img src="/logo.png"></a></div>'
    html = parse(page(f"{around}<article>{HEAD}{TEXT}{teaser}{TEXT}</article>{teaser}")).html
    assert "<img" not in html
