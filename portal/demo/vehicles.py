"""Real makes and models with the first eight characters of their VINs; check digits are computed.

World manufacturer identifiers as published by the makers (SAE J1044 / ISO 3780).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random

from finance.vin import make_vin, year_code


@dataclass(frozen=True, slots=True)
class Model:
    """One model: maker's identifier, vehicle descriptor (five characters), plant, and its price when new."""

    make: str
    name: str
    wmi: str
    descriptor: str
    plant: str
    price: int


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle on a lot."""

    vin: str
    model_year: int
    make: str
    model: str
    colour: str
    wholesale: Decimal

    @property
    def title(self) -> str:
        """Year, make and model, as people say it."""
        return f"{self.model_year} {self.make} {self.model}"


AMERICAN = (
    Model("Ford", "F-150 XLT", "1FT", "FW1E8", "F", 52_000),
    Model("Ford", "Escape SE", "1FM", "CU0G6", "U", 33_000),
    Model("Ford", "Explorer XLT", "1FM", "SK8D8", "G", 44_000),
    Model("Chevrolet", "Silverado 1500 LT", "1GC", "UDDE4", "Z", 51_000),
    Model("Chevrolet", "Equinox LT", "3GN", "AXKEG", "L", 31_000),
    Model("Chevrolet", "Malibu LT", "1G1", "ZD5ST", "F", 27_500),
    Model("GMC", "Sierra 1500 SLE", "3GT", "UUAED", "G", 53_500),
    Model("Jeep", "Grand Cherokee Laredo", "1C4", "RJKAG", "8", 45_000),
    Model("Ram", "1500 Big Horn", "1C6", "SRFFT", "N", 50_500),
    Model("Honda", "Civic LX", "2HG", "FE2F5", "H", 26_000),
    Model("Honda", "CR-V EX", "5J6", "RS4H4", "L", 34_500),
    Model("Honda", "Accord Sport", "1HG", "CY2F5", "A", 32_000),
    Model("Toyota", "Camry SE", "4T1", "G11AK", "U", 30_500),
    Model("Toyota", "RAV4 XLE", "2T3", "P1RFV", "W", 33_500),
    Model("Toyota", "Tacoma SR5", "3TM", "CZ5AN", "M", 39_000),
    Model("Nissan", "Altima SV", "1N4", "BL4DV", "C", 28_500),
    Model("Nissan", "Rogue SV", "5N1", "BT3BA", "C", 32_500),
    Model("Hyundai", "Elantra SEL", "KMH", "LM4DG", "U", 24_500),
    Model("Hyundai", "Tucson SEL", "KM8", "JBCDE", "U", 32_000),
    Model("Kia", "Sorento LX", "5XY", "RG4LC", "G", 34_000),
    Model("Subaru", "Outback Premium", "4S4", "BTAFC", "3", 35_500),
    Model("Mazda", "CX-5 Select", "JM3", "KFBCM", "0", 32_500),
    Model("Volkswagen", "Jetta SE", "3VW", "7M7BU", "M", 26_500),
    Model("Tesla", "Model 3", "5YJ", "3E1EA", "F", 42_000),
)

EUROPEAN = (
    Model("Renault", "Clio Techno", "VF1", "RJA00", "6", 22_400),
    Model("Renault", "Kangoo Van", "VF1", "RFK00", "5", 27_900),
    Model("Peugeot", "208 Allure", "VR3", "UPHNK", "L", 24_800),
    Model("Peugeot", "Partner", "VR3", "EFYHT", "J", 28_600),
    Model("Citroën", "C3 Feel", "VF7", "SXHNP", "W", 20_900),
    Model("Citroën", "Berlingo", "VR7", "EFYHT", "J", 27_500),
    Model("Volkswagen", "Golf Life", "WVW", "ZZZCD", "P", 31_200),
    Model("Škoda", "Octavia Style", "TMB", "AJ7NX", "8", 32_700),
    Model("Dacia", "Duster Expression", "UU1", "HJD00", "4", 23_300),
    Model("Toyota", "Yaris Hybrid", "VNK", "KBAC3", "A", 24_600),
)

BRITISH = (
    Model("Vauxhall", "Corsa SE", "VXK", "UPHNE", "Z", 20_500),
    Model("Ford", "Puma Titanium", "WF0", "2XXER", "K", 27_800),
    Model("MINI", "Cooper C", "WMW", "31GD0", "2", 25_300),
    Model("Nissan", "Qashqai N-Connecta", "SJN", "TBAJ1", "2", 32_300),
    Model("Land Rover", "Discovery Sport S", "SAL", "CA2BN", "H", 43_700),
    Model("Toyota", "Corolla Icon", "SB1", "Z53BE", "E", 30_400),
    Model("Kia", "Sportage 2", "U5Y", "PV81D", "L", 30_100),
    Model("Volkswagen", "Polo Life", "WVW", "ZZZAW", "Y", 22_700),
)

COLOURS = ("White", "Black", "Silver", "Grey", "Blue", "Red", "Green", "Pearl")


def pick_vehicle(
    random: Random, models: tuple[Model, ...], *, serial: int, today: date, newest: int = 0
) -> Vehicle:
    """A vehicle one to six model years old (`newest` 0: this year's may occur), priced by its age."""
    model = random.choice(models)
    age = random.choices((0, 1, 2, 3, 4, 5, 6), weights=(2 if not newest else 0, 3, 5, 6, 4, 2, 1))[0]
    model_year = today.year - age
    kept = Decimal(100 - 11 * age - random.randrange(0, 7)) / 100
    wholesale = (Decimal(model.price) * kept / 25).quantize(Decimal(1)) * 25
    return Vehicle(
        vin=make_vin(model.wmi, model.descriptor, year_code(model_year), model.plant, f"{serial:06d}"),
        model_year=model_year,
        make=model.make,
        model=model.name,
        colour=random.choice(COLOURS),
        wholesale=max(wholesale, Decimal(4_000)),
    )
