"""What finance staff write in the office: lines and terms, rates, programmes, advances, loans."""
