"""Who is in the demo: lenders, dealerships and the people with logins. All invented."""

from dataclasses import dataclass, field
from datetime import time

from accounts.models import Dealership, Lender, Membership, User

# The demo prints both; Dana has a login at two lenders, with a password for each.
PASSWORD = "quiet harbour lantern"  # noqa: S105
SECOND_PASSWORD = "copper meadow signal"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Person:
    """One login. `customer_number` is a further name to sign in by."""

    username: str
    full_name: str
    kind: str
    dealership: str = ""
    role: str = ""
    customer_number: str | None = None
    password: str = PASSWORD
    shown: bool = True
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """One dealership, business customer or private borrower."""

    number: str
    name: str
    street: str
    postal_code: str
    town: str
    region: str
    country: str = "US"
    kind: str = Dealership.Kind.DEALERSHIP


@dataclass(frozen=True, slots=True)
class DemoLender:
    """One lender with its brand, its sites and its people."""

    slug: str
    name: str
    host: str
    currency: str
    locale: str
    time_zone: str
    calendar: str
    cut_off: time
    accent_colour: str
    mark: str
    support_phone: str
    support_hours: str
    sites: tuple[Site, ...]
    people: tuple[Person, ...]
    tagline: str = field(default="")


_OWNER, _PAYER, _VIEWER = Membership.Role.OWNER, Membership.Role.PAYER, Membership.Role.VIEWER
_DEALER, _FINANCE, _SUPPORT = User.Kind.DEALER, User.Kind.FINANCE, User.Kind.SUPPORT

SUMMIT = DemoLender(
    slug="summit",
    name="Summit Dealer Capital",
    host="summit.localhost",
    currency="USD",
    locale="en_US",
    time_zone="America/Denver",
    calendar=Lender.Calendar.FEDERAL_RESERVE,
    cut_off=time(17, 0),
    accent_colour="#1f5c4d",
    mark="M4 26 14 8l6 10 3-5 9 13z",
    support_phone="+1 303 555 0142",
    support_hours="Monday to Friday 7:00 to 18:00, Saturday 8:00 to 13:00 (Denver)",
    tagline="Floor plan for independent dealers",
    sites=(
        Site("20001", "Aspen Ridge Auto Sales", "4180 W Colfax Ave", "80204", "Denver", "CO"),
        Site("20002", "Big Sky Motors", "1520 N Main St", "80501", "Longmont", "CO"),
        Site("20003", "Canyon Pre-Owned", "877 Wadsworth Blvd", "80214", "Lakewood", "CO"),
        Site("20004", "Durango Auto Group", "29200 US-160", "81301", "Durango", "CO"),
        Site("20005", "Elk Valley Cars", "310 E Ute Ave", "81501", "Grand Junction", "CO"),
        Site("20006", "Foothills Trucks", "6900 S College Ave", "80525", "Fort Collins", "CO"),
        Site("20007", "Granite Auto Outlet", "2200 Federal Blvd", "80211", "Denver", "CO"),
        Site("20008", "High Plains Motor Company", "1100 8th Ave", "80631", "Greeley", "CO"),
        Site("20009", "Iron Horse Autos", "455 Cimarron St", "80905", "Colorado Springs", "CO"),
        Site("20010", "Juniper Street Motors", "75 Juniper St", "81003", "Pueblo", "CO"),
        Site("20011", "Kestrel Car Company", "3800 Arapahoe Ave", "80303", "Boulder", "CO"),
        Site("20012", "Larkspur Superstore", "9100 E Arapahoe Rd", "80112", "Centennial", "CO"),
    ),
    people=(
        Person(
            "dana",
            "Dana Whitlock",
            _DEALER,
            "20001",
            _OWNER,
            customer_number="720001",
            phone="+1 303 555 0177",
        ),
        Person("pat", "Pat Romero", _DEALER, "20001", _PAYER),
        Person("vic", "Vic Tran", _DEALER, "20001", _VIEWER),
        Person("lou", "Lou Castellanos", _DEALER, "20012", _OWNER),
        Person("newman", "Kim Newman", _DEALER, "20011", _OWNER),
        Person("gray", "Gray Ellison", _DEALER, "20007", _OWNER),
        Person("faye", "Faye Lindqvist", _FINANCE),
        Person("sam", "Sam Okafor", _SUPPORT),
    ),
)

FRONT_RANGE = DemoLender(
    slug="frontrange",
    name="Front Range Dealer Programs",
    host="frontrange.localhost",
    currency="USD",
    locale="en_US",
    time_zone="America/Denver",
    calendar=Lender.Calendar.FEDERAL_RESERVE,
    cut_off=time(16, 0),
    accent_colour="#8a4b08",
    mark="M18 3 7 20h8l-2 13 13-18h-8z",
    support_phone="+1 720 555 0118",
    support_hours="Monday to Friday 8:00 to 17:00 (Denver)",
    tagline="Energy programmes for dealerships",
    sites=(
        Site("31001", "Mile High Chevrolet", "5200 N Broadway", "80216", "Denver", "CO"),
        Site("31002", "Peak Toyota", "980 Motor City Dr", "80905", "Colorado Springs", "CO"),
        Site("31003", "Prairie Ford", "4400 W 29th St", "80634", "Greeley", "CO"),
    ),
    people=(
        Person("morgan", "Morgan Achterberg", _DEALER, "31001", _OWNER, customer_number="731001"),
        Person("dana", "Dana Whitlock", _DEALER, "31002", _OWNER, password=SECOND_PASSWORD),
        Person("finn", "Finn Delacroix", _FINANCE),
        Person("sol", "Sol Baptiste", _SUPPORT),
    ),
)

LUMIERE = DemoLender(
    slug="lumiere",
    name="Lumière Auto Finance",
    host="lumiere.localhost",
    currency="EUR",
    locale="fr_FR",
    time_zone="Europe/Paris",
    calendar=Lender.Calendar.TARGET,
    cut_off=time(15, 0),
    accent_colour="#274690",
    mark="M18 4a14 14 0 1 0 0 28 14 14 0 0 0 0-28zm0 6a8 8 0 1 1 0 16z",
    support_phone="+33 1 55 50 01 42",
    support_hours="du lundi au vendredi, 8 h 30 à 18 h (Paris)",
    tagline="Crédit et flotte automobile",
    sites=(
        Site(
            "41001",
            "Transports Delmas",
            "18 rue des Ateliers",
            "69007",
            "Lyon",
            "",
            "FR",
            Dealership.Kind.BUSINESS,
        ),
        Site(
            "41002",
            "Amélie Rousseau",
            "5 place du Marché",
            "35000",
            "Rennes",
            "",
            "FR",
            Dealership.Kind.PRIVATE,
        ),
        Site("41003", "Garage du Parc", "42 avenue Foch", "54000", "Nancy", "", "FR"),
    ),
    people=(
        Person("hugo", "Hugo Delmas", _DEALER, "41001", _OWNER, customer_number="741001"),
        Person("amelie", "Amélie Rousseau", _DEALER, "41002", _OWNER),
        Person("claire", "Claire Fontaine", _DEALER, "41003", _OWNER),
        Person("florent", "Florent Mercier", _FINANCE),
        Person("sabine", "Sabine Caron", _SUPPORT),
    ),
)

ALBION = DemoLender(
    slug="albion",
    name="Albion Motor Finance",
    host="albion.localhost",
    currency="GBP",
    locale="en_GB",
    time_zone="Europe/London",
    calendar=Lender.Calendar.UNITED_KINGDOM,
    cut_off=time(16, 30),
    accent_colour="#6d2e46",
    mark="M6 6h24v12c0 8-6 12-12 15C12 30 6 26 6 18z",
    support_phone="+44 20 7946 0142",
    support_hours="Monday to Friday 8:30 to 17:30 (London)",
    tagline="Motor finance since the hill climb",
    sites=(
        Site("51001", "Harcourt Cars", "12 Station Road", "LS1 4DY", "Leeds", "", "GB"),
        Site("51002", "Penrose Motor House", "7 Quay Street", "TR11 3LH", "Falmouth", "", "GB"),
        Site("51003", "Jack Ashdown", "3 Mill Lane", "OX4 2GX", "Oxford", "", "GB", Dealership.Kind.PRIVATE),
    ),
    people=(
        Person(
            "beth",
            "Beth Harcourt",
            _DEALER,
            "51001",
            _OWNER,
            customer_number="751001",
            phone="+44 7700 900142",
        ),
        Person("jack", "Jack Ashdown", _DEALER, "51003", _OWNER, customer_number="751003"),
        Person("fraser", "Fraser Quill", _FINANCE),
        Person("skye", "Skye Duncan", _SUPPORT),
    ),
)

LENDERS = (SUMMIT, FRONT_RANGE, LUMIERE, ALBION)
