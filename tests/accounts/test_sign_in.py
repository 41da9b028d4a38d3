from django.urls import reverse

from accounts.models import EmailCodeFactor
from accounts.tenancy import tenant
from tests.accounts.browsing import browser, is_signed_in, mailed_code, show_code, type_password
from tests.cast import Cast


def test_password_and_mailed_code_lead_in(cast: Cast) -> None:
    client = browser(cast.lender)
    answer = type_password(client, "owen")
    assert answer.status_code == 302
    assert answer.url == reverse("accounts:factor-verify")
    assert not is_signed_in(client)
    page = client.get(answer.url)
    assert page.status_code == 200
    with tenant(cast.lender.pk):
        factor = EmailCodeFactor.objects.get(user=cast.owner)
    answer = show_code(client, factor, mailed_code(cast.owner))
    assert answer.status_code == 302, answer.content.decode()
    assert is_signed_in(client)
