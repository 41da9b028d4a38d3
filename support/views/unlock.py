"""The unlock desk: find the caller, see what is wrong, check who calls, unlock."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import OutgoingMessage, User
from accounts.permissions import allowed_to
from accounts.queries.texts import text_number
from support.actions.identity import (
    SENDS,
    TRIES,
    Judgement,
    Refusal,
    RefusedError,
    judge_identity_code,
    send_identity_code,
)
from support.actions.looks import note_look
from support.actions.unlock import CHECK_FRESH_FOR, unlock_person
from support.forms.unlock import CodeForm, SendForm, UnlockForm
from support.models import IdentityCheck
from support.queries.people import (
    CONTACT_AGE,
    SHORTEST_SEARCH,
    last_check,
    masked,
    masked_number,
    person_file,
    search_people,
)
from support.queries.tickets import state_word
from support.views.tickets import access_of


@require_GET
@allowed_to("people.unlock")
def unlock_search(request: HttpRequest) -> HttpResponse:
    """Find a person of the own lender."""
    words = request.GET.get("q", "").strip()
    rows, more = search_people(words, now=timezone.now())
    return render(
        request,
        "support/unlock_search.html",
        {
            "query": words,
            "rows": rows,
            "more": more,
            "is_short": 0 < len(words) < SHORTEST_SEARCH,
            "shortest": SHORTEST_SEARCH,
        },
    )


@require_http_methods(["GET", "POST"])
@allowed_to("people.unlock")
def unlock_person_page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One person: why the sign-in fails, and the three steps to an open account. Every look is written down."""
    access = access_of(request)
    person = get_object_or_404(User.objects.exclude(kind=User.Kind.OPERATOR), public_id=public_id)
    code_form, unlock_form = CodeForm(), UnlockForm()
    if request.method == "POST":
        act = request.POST.get("act", "")
        if act == "send":
            return _send(request, person)
        if act == "check":
            code_form = CodeForm(request.POST)
            if code_form.is_valid():
                return _judge(request, person, code_form.cleaned_data["code"])
        elif act == "unlock":
            unlock_form = UnlockForm(request.POST)
            if unlock_form.is_valid():
                return _unlock(request, person, unlock_form.cleaned_data["reason"])
        else:
            messages.error(request, _("Choose what to do."))
            return redirect("support:unlock-person", public_id)
    note_look(person=person, agent=access.user)
    now = timezone.now()
    file = person_file(person, lender=access.lender, now=now)
    return render(
        request,
        "support/unlock_person.html",
        {
            "form": code_form if code_form.is_bound else unlock_form,
            "send_form": SendForm(contact=file.contact, phone=file.phone),
            "code_form": code_form,
            "unlock_form": unlock_form,
            "person": person,
            "file": file,
            "tickets": [(ticket, state_word(ticket.state, for_agent=True)) for ticket in file.tickets],
            "is_self": person.pk == access.user.pk,
            "contact_days": CONTACT_AGE.days,
            **_step(person, access.user),
        },
    )


def _step(person: User, agent: User) -> dict[str, Any]:
    """Where this agent stands with this person: 1 send a code, 2 type what is read back, 3 unlock."""
    now = timezone.now()
    check = last_check(person, agent)
    step = 1
    if check is not None and check.state == IdentityCheck.State.SENT and check.expires_at > now:
        step = 2
    elif check is not None and check.state == IdentityCheck.State.PASSED and check.passed_at:
        step = 3 if check.passed_at > now - CHECK_FRESH_FOR else 1
    return {
        "check": check,
        "step": step,
        "tries_left": TRIES - check.tries if check else TRIES,
        "usable_until": check.passed_at + CHECK_FRESH_FOR if check and check.passed_at else None,
    }


def _send(request: HttpRequest, person: User) -> HttpResponse:
    # Where there is nothing to choose, the page does not ask.
    sent = {"channel": OutgoingMessage.Channel.EMAIL, **request.POST.dict()}
    form = SendForm(sent, contact=masked(person.email), phone=masked_number(text_number(person)))
    if not form.is_valid():
        # The page was older than the person's contacts, or not ours.
        messages.error(request, str(form.errors["channel"][0]))
        return redirect("support:unlock-person", person.public_id)
    try:
        check = send_identity_code(
            person=person,
            agent=access_of(request).user,
            now=timezone.now(),
            channel=form.cleaned_data["channel"],
        )
    except RefusedError as error:
        messages.error(request, _words(error.refusal))
    else:
        messages.success(
            request,
            _("A code is on its way to %(contact)s. It is valid for 10 minutes.")
            % {"contact": check.contact},
        )
    return redirect("support:unlock-person", person.public_id)


def _judge(request: HttpRequest, person: User, typed: str) -> HttpResponse:
    agent = access_of(request).user
    verdict = judge_identity_code(person=person, agent=agent, typed=typed, now=timezone.now())
    if verdict == Judgement.PASSED:
        messages.success(
            request, _("The code is right: this is %(name)s.") % {"name": person.get_full_name()}
        )
    elif verdict == Judgement.WRONG:
        check = last_check(person, agent)
        left = TRIES - (check.tries if check else TRIES)
        messages.error(request, _("The code is wrong. Tries left: %(left)s.") % {"left": left})
    elif verdict == Judgement.FAILED:
        messages.error(
            request, _("Wrong for the third time: this code is dead. If you are still sure, send another.")
        )
    elif verdict == Judgement.EXPIRED:
        messages.error(request, _("The code has expired. Send another."))
    else:
        messages.error(request, _("There is no open code of yours for this person. Send one first."))
    return redirect("support:unlock-person", person.public_id)


def _unlock(request: HttpRequest, person: User, reason: str) -> HttpResponse:
    access = access_of(request)
    try:
        unlock_person(
            person=person, agent=access.user, reason=reason, lender=access.lender, now=timezone.now()
        )
    except RefusedError as error:
        messages.error(request, _words(error.refusal))
    else:
        messages.success(
            request,
            _(
                "%(name)s can sign in again. The second factor is unchanged; a mail says that you unlocked the account."
            )
            % {"name": person.get_full_name()},
        )
    return redirect("support:unlock-person", person.public_id)


def _words(refusal: Refusal) -> str:
    return {
        Refusal.OWN_ACCOUNT: _("Nobody unlocks the own account. Ask another agent."),
        Refusal.SWITCHED_OFF: _(
            "The account is switched off, so no code is sent. Finance staff can switch it on."
        ),
        Refusal.CONTACT_FRESH: _(
            "The registered e-mail or phone changed less than %(days)s days ago, so a code to it proves nothing. "
            "Send the caller to the dealership's owner, or ring the number in the contract."
        )
        % {"days": CONTACT_AGE.days},
        Refusal.NO_PHONE: _("No text message can go to this person's phone. Send the code by e-mail."),
        Refusal.TOO_MANY_CODES: _(
            "%(count)s codes went out within half an hour. Wait, and ask the caller to look into the spam folder."
        )
        % {"count": SENDS},
        Refusal.NO_CHECK: _(
            "Check the caller's identity first: a passed check counts for 15 minutes, and once."
        ),
        Refusal.NO_REASON: _("Say why the account is unlocked."),
        Refusal.NOT_LOCKED: _("Nothing is locked any more: the caller can sign in now."),
    }[refusal]
