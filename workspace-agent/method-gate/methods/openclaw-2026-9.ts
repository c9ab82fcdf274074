/**
 * Every method of OpenClaw 2026.9 (2026.9.1 to 2026.9.6), under the least role that may call it. Reviewed by hand: a name
 * that is missing is for nobody but admins, and tests compare with the tables of the installed releases.
 *
 * It starts from OpenClaw's own scopes (read: viewer; write, questions, talk: user; approvals: approver; admin, pairing:
 * admin; node: nobody, a person is no node). Dynamic ones stand under the least, and OpenClaw decides the rest.
 * Departures, all of them stricter, stand in `STRICTER`.
 */
import type { Role } from "#protocol/identity.ts";
import { names } from "./names.ts";

/** The least role, or `nobody`: not for people at all. */
export type Need = Role | "nobody";

export const OPENCLAW_2026_9: Record<Need, ReadonlySet<string>> = {
  viewer: names(`
    agent.identity.get agents.files.get agents.files.list agents.list agents.workspace.get agents.workspace.list
    artifacts.download artifacts.get artifacts.list assistant.media.get audit.activity.list audit.list
    audit.run.inspect board.data.read board.get board.prompt.authorize board.widget.appView canvas.document.preview
    canvas.document.view channels.status chat.history chat.message.get chat.metadata chat.startup commands.list
    computer.status config.schema config.schema.lookup connect controlUi.githubDetail controlUi.githubPreview
    controlUi.linkPreview controlUi.sessionPreview controlUi.sessionPullRequests.checks
    controlUi.sessionPullRequests.subscribe cron.get cron.list cron.runs cron.status device.scopes.requestUpgrade
    device.scopes.waitUpgrade diagnostics.lanes diagnostics.stability doctor.memory.dreamDiary doctor.memory.status
    environments.list environments.session.status environments.status gateway.identity.get gateway.restart.preflight
    gateway.suspend.status health hooks.status last-heartbeat mcp.app.listResourceTemplates mcp.app.listResources
    mcp.app.listTools mcp.app.readResource mcp.app.view memory.search mentions.dismiss mentions.list models.authStatus
    models.list node.describe node.list plugin.surface.refresh plugins.catalog.browse plugins.catalog.categories
    plugins.catalog.get plugins.controlUi.list plugins.controlUi.report plugins.inspect plugins.list plugins.search
    plugins.skills.read plugins.uiDescriptors portal.list progressCard.get projects.list projects.searchRemote
    push.web.preferences.get session.discussion.info session.members.list session.members.listEvidence
    session.suggestions.list sessions.branches.list sessions.catalog.list sessions.catalog.read
    sessions.compaction.list sessions.companion.state sessions.describe sessions.diff sessions.files.get
    sessions.files.list sessions.get sessions.github.options sessions.github.status sessions.groups.list sessions.list
    sessions.messages.subscribe sessions.messages.unsubscribe sessions.observer.visibility sessions.preview
    sessions.resolve sessions.search sessions.setInvolvement sessions.subscribe sessions.usage sessions.usage.logs
    sessions.usage.timeseries sessions.viewers.set skills.curator.status skills.detail skills.library.list
    skills.library.read skills.proposals.events.list skills.proposals.historyStatus skills.proposals.inspect
    skills.proposals.list skills.search skills.securityVerdicts skills.skillCard skills.status skills.workshop.read
    status system-presence system.info talk.catalog talk.config taskSuggestions.list tasks.get tasks.history
    tasks.list themes.get themes.list tools.catalog tools.effective tools.github.status transcripts.export
    transcripts.get transcripts.list transcripts.status tts.personas tts.providers tts.status usage.cost usage.status
    users.github.status users.list users.listAuthLinks users.listModelAccounts users.mentionable users.prefs.get
    users.self voicewake.get voicewake.routing.get webSearch.status worktrees.list
  `),
  user: names(`
    agent agent.wait board.action board.update board.widget.put chat.abort chat.send chat.toolTitles
    doctor.memory.backfillDreamDiary doctor.memory.dedupeDreamDiary doctor.memory.repairDreamingArtifacts
    doctor.memory.resetDreamDiary doctor.memory.resetGroundedShortTerm fs.listDir mcp.app.callTool
    mcp.app.updateModelContext plugins.sessionAction portal.close portal.open progressCard.put progressCard.refresh
    projects.add push.test push.web.preferences.set push.web.subscribe push.web.test push.web.unsubscribe
    push.web.vapidPublicKey question.get question.list question.resolve session.discussion.open session.members.add
    session.members.remove session.suggestions.add session.suggestions.resolve session.typing session.visibility.set
    sessions.abort sessions.activitySummary.ensure sessions.catalog.archive sessions.catalog.continue
    sessions.compaction.branch sessions.companion.ask sessions.companion.reset sessions.create sessions.delete
    sessions.dispatch sessions.fork sessions.github.confirm sessions.github.publish sessions.goal.clear
    sessions.goal.update sessions.groups.defaults sessions.groups.delete sessions.groups.put sessions.groups.rename
    sessions.groups.update sessions.move sessions.patch sessions.patchMany sessions.providerReview.continue
    sessions.reclaim sessions.recover sessions.send sessions.steer sessions.title.prepare skills.library.activate
    skills.library.import skills.library.mutate skills.library.save skills.library.upload talk.client.close
    talk.client.create talk.client.steer talk.client.toolCall talk.client.transcript talk.mode
    talk.session.acknowledgeMark talk.session.appendAudio talk.session.cancelOutput talk.session.close
    talk.session.create talk.session.steer talk.session.submitToolResult talk.speak talk.voice.complete talk.voice.get
    talk.voice.set taskSuggestions.dismiss tasks.cancel tasks.dismiss tasks.retry themes.import themes.set
    transcripts.summarize tts.convert tts.disable tts.enable tts.setPersona tts.setProvider tts.speak ui.command
    users.authConnect.answer users.authConnect.cancel users.authConnect.catalog users.authConnect.start
    users.authConnect.status users.github.authorize.cancel users.github.authorize.poll users.github.authorize.start
    users.github.disconnect users.prefs.set users.selectModelAccount users.setAvatar users.unlinkAuthProfile
    voicewake.set worktrees.branches worktrees.create
  `),
  approver: names(`
    approval.get approval.history approval.resolve board.widget.grant exec.approval.get exec.approval.grants.list
    exec.approval.grants.revoke exec.approval.list exec.approval.request exec.approval.resolve
    exec.approval.waitDecision openclaw.approval.list plugin.approval.list plugin.approval.request
    plugin.approval.resolve plugin.approval.waitDecision
  `),
  admin: names(`
    agents.create agents.delete agents.files.set agents.update attach.grant attach.revoke board.event channels.logout
    channels.pairing.approve channels.pairing.dismiss channels.pairing.list channels.start channels.stop chat.inject
    claws.monitors claws.packages.remove computer.invoke config.apply config.get config.openFile config.patch config.set
    conversations.list conversations.send conversations.turn conversations.turn.cancel cron.add cron.remove cron.run
    cron.scratch.get cron.scratch.set cron.update desktop.launch desktop.observe desktop.release device.pair.approve
    device.pair.list device.pair.reject device.pair.remove device.pair.rename device.pair.setupCode
    device.pair.setupStatus device.token.revoke device.token.rotate diagnostics.cpuProfile diagnostics.heapProfile
    environments.create environments.destroy environments.prepare environments.session.create
    environments.session.destroy environments.session.exec exec.approvals.get exec.approvals.node.get
    exec.approvals.node.set exec.approvals.set gateway.restart.request gateway.suspend.handoff gateway.suspend.prepare
    gateway.suspend.resume logs.tail mcp.authLogin message.action migrations.memory.apply migrations.memory.plan
    models.authLogin models.authLogout models.authOrderSet models.authRefresh models.authSetApiKey models.probe
    nativeHook.invoke node.invoke node.pair.approve node.pair.list node.pair.reject node.pair.remove
    node.pending.enqueue node.rename openclaw.changes.list openclaw.chat openclaw.chat.history openclaw.setup.activate
    openclaw.setup.activate.start openclaw.setup.auth.start openclaw.setup.detect openclaw.setup.prepare.start
    openclaw.setup.verify plugins.controlUi.reload plugins.controlUi.status plugins.credentials.inspect plugins.install
    plugins.refresh plugins.reload plugins.setEnabled plugins.uninstall poll projects.register projects.remove
    question.request question.waitAnswer secrets.reload secrets.resolve secrets.store.delete secrets.store.list
    secrets.store.set send session.publicShare.set sessions.assignOwner sessions.branches.switch
    sessions.catalog.startTerminal sessions.cleanup sessions.compact sessions.compaction.restore sessions.files.reveal
    sessions.files.set sessions.pluginPatch sessions.reset sessions.rewind sessions.storage.run sessions.storage.status
    set-heartbeats skills.curator.pin skills.curator.restore skills.curator.unpin skills.install skills.proposals.apply
    skills.proposals.create skills.proposals.evaluate skills.proposals.historyScan skills.proposals.quarantine
    skills.proposals.reject skills.proposals.requestRevision skills.proposals.revise skills.proposals.update
    skills.update skills.upload.begin skills.upload.chunk skills.upload.commit system-event taskSuggestions.accept
    taskSuggestions.create terminal.attach terminal.close terminal.input terminal.list terminal.open terminal.resize
    terminal.upload tools.github.authorize.cancel tools.github.authorize.poll tools.github.authorize.start
    tools.github.configure tools.invoke update.hold update.report update.run update.runs.get update.runs.list
    update.status users.linkAuthProfile users.linkChannelIdentity users.listChannelIdentities users.setDisplayName
    users.setRole users.unlinkChannelIdentity wake web.login.start web.login.wait webSearch.test wizard.cancel
    wizard.next wizard.start wizard.status worker.desktop.launch worker.desktop.observe worktrees.gc worktrees.remove
    worktrees.restore
  `),
  nobody: names(`
    node.event node.invoke.progress node.invoke.result node.pending.ack node.pending.drain node.pending.pull
    node.pluginSurface.refresh node.pluginTools.update node.runnerInventory.update node.skills.update skills.bins
    users.linkEmail
  `),
};

/** Where the list asks for more than OpenClaw's own scope does, and why. */
export const STRICTER: Record<string, string> = {
  "tools.invoke": "runs a tool by name, without a chat in which it would be seen",
  "computer.invoke": "runs commands on a computer, without a chat",
  "node.invoke": "runs commands on a paired device, without a chat",
  "node.pending.enqueue": "queues such commands",
  wake: "puts a text of the caller's into somebody else's next turn, as the system's",
  "board.event": "the same: what a widget reports stands in the next turn as a system's event, and nowhere on the page",
  "question.request": "asks the people of a chat in the assistant's place, for secrets too",
  "question.waitAnswer": "reads what they answered to it",
  "taskSuggestions.create": "suggests work to the people of a chat in the assistant's place",
  send: "speaks to people of other channels as the assistant, without a chat",
  poll: "speaks to people of other channels as the assistant, without a chat",
  "message.action": "does what the assistant may do in other channels, without a chat",
  "users.setDisplayName": "the name stands inside the block that tells the model who speaks",
  "users.linkEmail": "makes one person's sign-in another person's profile: profiles follow sign-ins, for nobody",
  "sessions.assignOwner": "the owner's personal file goes into the prompt",
  "session.publicShare.set": "shows a chat to people who are not signed in",
  "config.get": "holds the name of the header that carries the user",
  "logs.tail": "holds other people's messages",
  "sessions.companion.ask": "asks the model, which is more than reading",
  "users.github.authorize.start": "changes an account of the caller's",
  "users.github.authorize.poll": "changes an account of the caller's",
  "users.github.authorize.cancel": "changes an account of the caller's",
  "users.github.disconnect": "changes an account of the caller's",
};
