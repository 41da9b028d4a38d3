"""Enters the demo's lenders, sites and people."""

from datetime import datetime, timedelta

import psycopg2
from django.db import transaction
from django.utils import timezone

from accounts.actions.people import add_membership, create_user
from accounts.models import Dealership, EmailCodeFactor, Lender, LenderHost, Membership, User
from accounts.tenancy import platform, tenant
from finance.actions.statements import order_statement_batch
from portal.demo.cast import DemoLender, Person, Site
from portal.settings import environment

_LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 36" width="36" height="36" aria-hidden="true">'
    '<path d="{path}" fill="{colour}"/></svg>'
)


def enter_lender(demo: DemoLender) -> Lender:
    """The lender with its dealerships and people; it is reached by nobody until `open_doors`."""
    with platform():
        lender = Lender.objects.create(
            slug=demo.slug,
            name=demo.name,
            currency=demo.currency,
            locale=demo.locale,
            time_zone=demo.time_zone,
            calendar=demo.calendar,
            payment_cut_off=demo.cut_off,
            accent_colour=demo.accent_colour,
            logo_svg=_LOGO.format(path=demo.mark, colour=demo.accent_colour),
            support_phone=demo.support_phone,
            support_email=f"help@{demo.slug}.example",
            support_hours=demo.support_hours,
            mail_sender=f"portal@{demo.slug}.example",
        )
    with tenant(lender.pk), transaction.atomic():
        sites = {site.number: _enter_site(site, demo) for site in demo.sites}
        for person in demo.people:
            _enter_person(person, demo, sites)
    return lender


def open_doors(lender: Lender, demo: DemoLender) -> None:
    """Give the filled lender its host name: from now on it exists for visitors and for the worker."""
    with platform():
        LenderHost.objects.create(host=demo.host, lender=lender, is_primary=True)


def order_statements(lender: Lender, *, now: datetime) -> None:
    """Last month's statements of everybody; the demo's worker makes them."""
    today = lender.business_date(now)
    with tenant(lender.pk):
        order_statement_batch(
            period_end=today.replace(day=1) - timedelta(days=1), business_date=today, actor=None
        )


def put_aside(lender: Lender) -> None:
    """Take the name from a lender whose filling was cut short; its rows stay, out of everybody's reach."""
    with platform():
        Lender.objects.filter(pk=lender.pk).update(slug=f"unfinished-{lender.pk}")


def gather_statistics() -> None:
    """Let the planner see what was just entered; in daily life autovacuum does it within a minute."""
    with psycopg2.connect(environment.text("DATABASE_OWNER_URL")) as owner, owner.cursor() as cursor:
        cursor.execute("ANALYZE")
    owner.close()


def _enter_site(site: Site, demo: DemoLender) -> Dealership:
    slug = site.name.lower().split()[0].encode("ascii", "ignore").decode() or "office"
    return Dealership.objects.create(
        kind=site.kind,
        number=site.number,
        name=site.name,
        street=site.street,
        postal_code=site.postal_code,
        town=site.town,
        region=site.region,
        country=site.country,
        phone=demo.support_phone[:-4] + site.number[-4:],
        email=f"office@{slug}.example",
    )


def _enter_person(person: Person, demo: DemoLender, sites: dict[str, Dealership]) -> User:
    login = create_user(
        actor=None,
        username=person.username,
        email=f"{person.username}@{demo.slug}-people.example",
        full_name=person.full_name,
        kind=User.Kind(person.kind),
        password=person.password,
        customer_number=person.customer_number,
        phone=person.phone,
        # Older than the days that a contact must have stood before a code may go to it.
        contact_since=timezone.now() - timedelta(days=200),
    )
    EmailCodeFactor.objects.create(user=login, name=str(EmailCodeFactor._meta.verbose_name), confirmed=True)
    if person.dealership:
        add_membership(
            actor=None, person=login, dealership=sites[person.dealership], role=Membership.Role(person.role)
        )
    return login
