from playwright.sync_api import FilePayload, Page, expect
from services.predictor.tests.support import sessions_of

CLOSES = [30 + 0.5 * (at % 7) for at in range(60)]
DAYS = sessions_of("AAPL", 60)
ENGLISH = "Date,Open,Close\n" + "".join(f"{day},30,{close}\n" for day, close in zip(DAYS, CLOSES, strict=True))
BRAZILIAN = "Data;Abertura;Fechamento\r\n" + "".join(
    f'{day:%d/%m/%Y};30,00;"{close:.2f}"\r\n'.replace(".", ",") for day, close in zip(DAYS, CLOSES, strict=True)
)


def file(text: str, name: str = "mine.csv") -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


def choose(page: Page, *files: FilePayload) -> None:
    page.get_by_label("Choose a CSV file").set_input_files(files)


def test_a_chosen_file_is_forecast(page: Page) -> None:
    page.goto("/")
    choose(page, file(ENGLISH))

    shown = page.get_by_role("article", name="mine.csv")
    expect(shown.locator(".figure").first).to_contain_text(f"{CLOSES[-1]:.2f}")
    expect(shown.locator(".provenance")).to_contain_text("closecast-panel")
    expect(shown.get_by_role("img", name="Chart of Your file", exact=False)).to_be_visible()
    expect(shown).not_to_contain_text("are not drawn")
    expect(page.locator("#announcements")).to_have_text("The forecast of mine.csv is there.")


def test_the_closes_of_a_brazilian_file_are_drawn_too(page: Page) -> None:
    page.goto("/")
    choose(page, file(BRAZILIAN, "meu.csv"))

    shown = page.get_by_role("article", name="meu.csv")
    shown.locator("fan-chart .u-over").hover(position={"x": 1, "y": 40})
    expect(shown.locator(".reading")).to_contain_text(f"{CLOSES[0]:.2f}")
    expect(shown).not_to_contain_text("are not drawn")


def test_a_dropped_file_is_forecast(page: Page) -> None:
    page.goto("/")
    page.locator(".drop").wait_for()
    dropped = page.evaluate_handle(
        """text => {
            const data = new DataTransfer();
            data.items.add(new File([text], "dropped.csv", { type: "text/csv" }));
            return data;
        }""",
        ENGLISH,
    )
    page.locator(".drop").dispatch_event("dragover", {"dataTransfer": dropped})
    expect(page.locator(".drop.is-over")).to_be_visible()
    page.locator(".drop").dispatch_event("drop", {"dataTransfer": dropped})

    expect(page.get_by_role("article", name="dropped.csv").locator(".figures")).to_be_visible()


def test_a_bad_file_is_refused_in_the_servers_words(page: Page) -> None:
    page.goto("/")
    choose(page, file("Date,Close\n" + "2024-01-02,=SUM(A1)\n" * 40, "formula.csv"), file("PK\x03\x04", "archive.csv"))

    formula = page.get_by_role("article", name="formula.csv").get_by_role("alert")
    expect(formula).to_contain_text("is a formula")
    expect(page.get_by_role("article", name="archive.csv").get_by_role("alert")).to_contain_text("ZIP")


def test_closes_without_days_are_counted_from_the_last(page: Page) -> None:
    page.goto("/")
    choose(page, file("Close\n" + "".join(f"{close}\n" for close in CLOSES)))

    shown = page.get_by_role("article", name="mine.csv")
    shown.locator("fan-chart .u-over").hover(position={"x": 1, "y": 40})
    expect(shown.locator(".reading")).to_contain_text("-59")
    shown.get_by_role("button", name="Table").click()
    expect(shown.get_by_role("rowheader", name="+10")).to_be_visible()


def test_a_card_of_a_file_can_be_put_away(page: Page) -> None:
    page.goto("/")
    choose(page, file(ENGLISH))
    page.get_by_role("button", name="Close mine.csv").click()

    expect(page.get_by_role("article", name="mine.csv")).to_have_count(0)
