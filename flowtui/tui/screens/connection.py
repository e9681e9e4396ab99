"""The auth pane: profiles, how we stand with the one in use, its token, the embedded server."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from flowtui import addresses
from flowtui.credentials import TokenKind
from flowtui.models import Origin, Profile
from flowtui.quantities import exact
from flowtui.tui import embedded
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.looks.laying import field, hanging, problem_content
from flowtui.tui.looks.words import plain, plain_block, shortened
from flowtui.tui.messages import Part
from flowtui.tui.screens.dialogs import Choice, ChoiceDialog, ConfirmDialog
from flowtui.tui.screens.profile_dialog import ProfileDialog
from flowtui.tui.session import Link
from flowtui.tui.widgets.key_bar import KeyBar
from flowtui.tui.widgets.painted import Painted
from flowtui.tui.widgets.status_line import StatusLine
from flowtui.tui.work.connecting import TokenMove

_IN_USE = "  in use"


class ProfileList(Performs, OptionList):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.CONNECTION, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.CONNECTION, Scope.LIST)]

    def __init__(self) -> None:
        super().__init__(id="profiles", markup=False)
        self.border_title = "Profiles"
        self._profiles: tuple[Profile, ...] = ()
        self._used = ""
        """Name of the profile that was in use when the list was filled."""

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        self._fill()

    def on_resize(self) -> None:
        self._fill()

    def _changed(self, part: Part) -> None:
        if part in (Part.PROFILES, Part.CONNECTION):
            self._fill()

    def _fill(self) -> None:
        app = app_of(self)
        in_use = app.session.profile
        known = {profile.name: profile for profile in app.session.profiles}
        if in_use is not None and in_use.name not in known:
            known[in_use.name] = in_use
        before = self.selected if in_use is None or in_use.name == self._used else None
        self._used = in_use.name if in_use is not None else ""
        self._profiles = tuple(known.values())
        self.clear_options()
        room = max(self.scrollable_content_region.width - 2, 14)
        kept = app.session.kept_tokens
        for profile in self._profiles:
            used = in_use is not None and profile.name == in_use.name
            mark = app.glyphs.cursor if used else " "
            says = used and len(plain(profile.name)) + len(_IN_USE) <= room
            self.add_option(
                Option(
                    Content.assemble(
                        (f"{mark} {plain(profile.name)}", "bold" if used else ""),
                        (_IN_USE if says else "", "$success"),
                        "\n",
                        (f"  {shortened(plain(profile.api_url), room)}", "$muted"),
                        (_token_words(kept.get(profile.api_url, ()), room), "$faint"),
                    )
                )
            )
        wanted = before or in_use
        names = [profile.name for profile in self._profiles]
        if wanted is not None and wanted.name in names:
            self.highlighted = names.index(wanted.name)

    @property
    def selected(self) -> Profile | None:
        index = self.highlighted
        if index is None or not 0 <= index < len(self._profiles):
            return None
        return self._profiles[index]

    def facts(self) -> Facts:
        app = app_of(self)
        selected, in_use = self.selected, app.session.profile
        return replace(
            app.facts(),
            profile=selected,
            profile_in_use=selected is not None
            and in_use is not None
            and selected.name == in_use.name,
            profile_saved=selected is not None and selected.origin is Origin.USER_FILE,
        )

    def on_option_list_option_highlighted(self) -> None:
        self.refresh_bindings()

    # ---------------------------------------------------------------------------------- actions

    def perform_down(self) -> None:
        self.action_cursor_down()

    def perform_up(self) -> None:
        self.action_cursor_up()

    def perform_top(self) -> None:
        self.action_first()

    def perform_bottom(self) -> None:
        self.action_last()

    def perform_back(self) -> None:
        app_of(self).pop_screen()

    def perform_use(self) -> None:
        if self.selected is not None:
            app_of(self).connecting.use_profile(self.selected)

    def perform_reconnect(self) -> None:
        app_of(self).connecting.connect()

    def perform_server(self) -> None:
        app_of(self).serving.start()

    def perform_stop_server(self) -> None:
        app = app_of(self)

        def answered(yes: bool | None) -> None:
            if yes:
                app.serving.stop()

        app.push_screen(
            ConfirmDialog(
                f"Stop {app.serving.words}?",
                "What is registered stays in its database.",
                yes="Stop it",
                no="Let it run",
            ),
            answered,
        )

    def perform_add(self) -> None:
        app = app_of(self)

        def answered(profile: Profile | None) -> None:
            if profile is not None:
                app.connecting.save_profile(profile)

        taken = tuple(p.name for p in self._profiles)
        app.push_screen(ProfileDialog(taken, app.connecting.probe), answered)

    def perform_edit(self) -> None:
        app, before = app_of(self), self.selected
        if before is None:
            return

        def answered(profile: Profile | None) -> None:
            if profile is not None and profile != before:
                self._save_changed(before, profile)

        taken = tuple(p.name for p in self._profiles if p.name != before.name)
        app.push_screen(ProfileDialog(taken, app.connecting.probe, before), answered)

    def _save_changed(self, before: Profile, profile: Profile) -> None:
        """A token belongs to an address: what becomes of it at another one is asked."""
        app = app_of(self)
        places = app.session.kept_tokens.get(before.api_url, ())
        if before.api_url == profile.api_url or not places:
            app.connecting.save_profile(profile, before)
            return

        def answered(choice: str | None) -> None:
            if choice is not None:
                app.connecting.save_profile(profile, before, token=TokenMove(choice))

        app.push_screen(
            ChoiceDialog(
                "The address changes. What about the token?",
                f"A token for {before.api_url} is kept ({', '.join(places)}). It was made for that "
                "address and is sent to no other by itself.",
                (
                    Choice(TokenMove.LEAVE, "Leave it where it is", "For the old address only."),
                    Choice(TokenMove.MOVE, "Move it", f"To {profile.api_url}."),
                    Choice(TokenMove.DELETE, "Delete it", "It is kept nowhere any more."),
                ),
            ),
            answered,
        )

    def perform_remove(self) -> None:
        app, profile = app_of(self), self.selected
        if profile is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                app.connecting.remove_profile(profile)

        app.push_screen(
            ConfirmDialog(
                f"Remove the profile “{profile.name}”?",
                f"{profile.api_url}\nNothing changes on the control plane. A stored token stays "
                "stored: log out first to delete it.",
                yes="Remove",
                no="Keep",
            ),
            answered,
        )

    def perform_cloud(self) -> None:
        app_of(self).cloud.start()

    def perform_import(self) -> None:
        app_of(self).importing.look()

    def perform_log_in(self) -> None:
        app_of(self).logging_in.start()

    def perform_log_out(self) -> None:
        app_of(self).logging_in.log_out()


def _token_words(places: tuple[str, ...], room: int) -> str:
    return f"\n  {shortened('token: ' + plain(', '.join(places)), room)}" if places else ""


def _is_bare_cloud(address: str) -> bool:
    return addresses.is_cloud(address) and not addresses.workspace_in(address)


class ConnectionScreen(Screen[None]):
    AUTO_FOCUS = "#profiles"

    def compose(self) -> ComposeResult:
        yield StatusLine()
        with Horizontal(id="connection"):
            yield ProfileList()
            with VerticalScroll(id="connection-state", can_focus=False):
                yield Painted(id="connection-text")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#connection-state").border_title = "Connection"
        app_of(self).session_changed.subscribe(self, self._changed)
        app_of(self).serving.look_for_containers()
        self._show()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _changed(self, part: Part) -> None:
        if part in (Part.CONNECTION, Part.PROFILES, Part.WORK):
            self._show()
        if part is Part.CONNECTION and app_of(self).session.containers_address is None:
            app_of(self).serving.look_for_containers()

    def _show(self) -> None:
        if not self.is_attached:
            return
        self.query_one("#connection-text", Painted).paint(self._state())

    def _state(self) -> Content:
        app = app_of(self)
        width = max(self.query_one("#connection-state").scrollable_content_region.width - 1, 20)
        connection, profile = app.session.connection, app.session.profile
        styles = {Link.CONNECTED: "$success", Link.FAILED: "$error"}
        mark = {Link.CONNECTED: app.glyphs.running, Link.FAILED: app.glyphs.failed}
        parts = [
            field(
                "state",
                (
                    f"{mark.get(connection.link, app.glyphs.changed)} {connection.words}",
                    f"bold {styles.get(connection.link, '$warning')}",
                ),
                width=width,
            )
        ]
        if profile is not None:
            parts.append(
                field(
                    "profile",
                    plain(profile.name),
                    (f"  from: {profile.origin}", "$muted"),
                    width=width,
                )
            )
            parts.append(field("address", plain(profile.api_url), width=width))
        parts += self._token(width)
        identity = connection.identity
        if identity is not None:
            parts.append(field("server", plain(identity.server), width=width))
            if profile is not None and identity.api_url != profile.api_url:
                parts.append(field("its API", plain(identity.api_url), width=width))
            if identity.tenant:
                word = addresses.tenant_word(identity.api_url)
                parts.append(field(word, plain(identity.tenant), width=width))
            who = (
                f"with {self._kind.one}" if identity.authenticated else f"without {self._kind.one}"
            )
            parts.append(field("signed in", who, width=width))
        if connection.since is not None:
            parts.append(field("since", exact(connection.since), width=width))
        if app.serving.running:
            own = f"{app.serving.words}, ends with flowtui"
            parts.append(field("runs here", own, width=width))
            parts.append(field("its log", plain(str(embedded.log_file())), width=width))
        parts += self._containers(width)
        for problem in (
            connection.problem,
            app.session.server_problem,
            app.session.profiles_problem,
        ):
            if problem is not None:
                parts += [Content("\n"), problem_content(problem, app.glyphs.failed, width)]
        parts += [Content("\n"), *self._next_steps(connection.credentials, width)]
        return Content.assemble(*parts)

    @property
    def _kind(self) -> TokenKind:
        """What the control plane in use takes."""
        from flowtui.api.opening import token_kind

        profile = app_of(self).session.profile
        return token_kind(profile.api_url) if profile is not None else TokenKind.TOKEN

    def _containers(self, width: int) -> list[Content]:
        """Where the containers of Docker agents reach an embedded server."""
        address = app_of(self).session.containers_address
        if address is None or not app_of(self).session.connected:
            return []
        words = f"reach it at {plain(address)}, with its token" if address else "do not reach it"
        return [field("containers", words, width=width)]

    def _token(self, width: int) -> list[Content]:
        connection = app_of(self).session.connection
        source = connection.token_source
        words = "none in use" if source == "none" else f"from: {plain(source)}"
        parts = [field("token", words, width=width)]
        if connection.keyring_waits:
            waits = "the keyring is locked; unlock it and its token is used at once"
            parts.append(field("", (waits, "$warning"), width=width))
        else:
            parts += [
                field("", (plain_block(note), "$warning"), width=width) for note in connection.notes
            ]
        return parts

    def _next_steps(self, credentials: bool, width: int) -> list[Content]:
        app = app_of(self)
        keymap, steps = app.keymap, list[tuple[str, str]]()
        profile = app.session.profile
        failed = app.session.connection.link is Link.FAILED
        if credentials:
            steps.append((keymap.key("connection.log_in"), f"log in with {self._kind.one}"))
        elif failed and profile is not None and _is_bare_cloud(profile.api_url):
            steps.append((keymap.key("connection.cloud"), "choose one of its workspaces"))
        elif failed:
            kind = embedded.kind_at(profile.api_url) if profile is not None else None
            if kind is not None and not app.serving.running:
                steps.append(
                    (
                        keymap.key("connection.server"),
                        f"start {kind.words} here: no account, no network",
                    )
                )
            steps.append((keymap.key("connection.reconnect"), "try again"))
            steps.append((keymap.key("connection.add"), "add the profile of another control plane"))
        return [
            hanging(Content.styled(f"{key:>3}  ", "bold $accent"), Content(what), width)
            for key, what in steps
        ]
