"""Addresses of the support app."""

from django.urls import URLPattern, path

from support.views import announcements, attachments, queue, tickets, unlock

app_name = "support"
urlpatterns: list[URLPattern] = [
    path("tickets/", tickets.ticket_list, name="ticket-list"),
    path("tickets/new/", tickets.ticket_new, name="ticket-new"),
    path("tickets/<uuid:public_id>/", tickets.ticket_detail, name="ticket-detail"),
    path("tickets/<uuid:public_id>/opened/", tickets.ticket_opened, name="ticket-opened"),
    path("tickets/<uuid:public_id>/solved/", tickets.ticket_solved, name="ticket-solved"),
    path("attachments/<uuid:public_id>/", attachments.attachment, name="attachment"),
    path("announcements/", announcements.announcement_list, name="announcement-list"),
    path("queue/", queue.queue_list, name="queue"),
    path("queue/<uuid:public_id>/", queue.queue_ticket, name="queue-ticket"),
    path("queue/<uuid:public_id>/assign/", queue.queue_assign, name="queue-assign"),
    path("queue/<uuid:public_id>/state/", queue.queue_state, name="queue-state"),
    path("unlock/", unlock.unlock_search, name="unlock-search"),
    path("unlock/<uuid:public_id>/", unlock.unlock_person_page, name="unlock-person"),
]
