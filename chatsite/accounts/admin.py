"""People in the admin. Addresses are kept where people are: allauth's own table of them needs no page."""

from __future__ import annotations

from allauth.account import admin as allauth_admin
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chatsite.accounts.models import User
from conversations.models import Conversation

admin.site.unregister(allauth_admin.EmailAddress)
RIGHTS = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    list_display = ("username", "email", "name", "is_active", "is_staff", "is_confirmed", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("username", "email", "name")
    ordering = ("-date_joined",)
    date_hierarchy = "date_joined"
    actions = ("confirm_address",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (None, {"fields": ("name", "email")}),
        (_("Rights"), {"fields": RIGHTS, "description": _("Whoever is made inactive is logged out at once.")}),
        (_("Dates"), {"fields": ("date_joined", "last_login")}),
    )
    readonly_fields = ("date_joined", "last_login")
    add_fieldsets = ((None, {"fields": ("username", "email", "name", "usable_password", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        unconfirmed = EmailAddress.objects.filter(user=OuterRef("pk"), verified=False)
        people = super().get_queryset(request).filter(guest=None)  # visitors of trials are no people with an account
        return people.annotate(unconfirmed=Exists(unconfirmed))

    @admin.display(description=_("address confirmed"), boolean=True, ordering="unconfirmed")
    def is_confirmed(self, user: User) -> bool:
        """Only those who signed up themselves have something to confirm."""
        return not user.unconfirmed

    def save_model(self, request: HttpRequest, obj: User, form, change: bool) -> None:
        """The administrator vouches for an address that is entered here; the old one opens nothing any more."""
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            EmailAddress.objects.filter(user=obj).delete()

    def get_deleted_objects(self, objs, request: HttpRequest):
        """Chats go with their owner; the confirmation need not list rows nobody can open."""
        chats = Conversation.objects.filter(user__in=objs).count()
        counts = {User._meta.verbose_name_plural: len(objs), Conversation._meta.verbose_name_plural: chats}
        return [str(person) for person in objs], counts, set(), []

    @admin.action(description=_("Confirm the e-mail addresses of the selected people"))
    def confirm_address(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        count = EmailAddress.objects.filter(user__in=queryset, verified=False).update(verified=True)
        sentence = ngettext("%(count)d address is confirmed.", "%(count)d addresses are confirmed.", count)
        self.message_user(request, sentence % {"count": count})
