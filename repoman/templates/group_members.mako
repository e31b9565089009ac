<%namespace name="part" file="repoman:templates/parts.mako"/>
<%namespace name="people" file="repoman:templates/people.mako"/>
<%! from urllib.parse import urlencode %>

<%def name="member_list(place)">
<% number, admins = counts %>\
<section aria-labelledby="members">
<h2 id="members">Members</h2>
% if page.may("group:change-members", thing):
${adding(place)}
% endif
<nav class="tabs" aria-label="Which members">
<ul>
% for role, label in (("", f"All {number:,}"), ("admin", f"Admins {admins:,}")):
<li><a href="?${urlencode({name: value for name, value in (("role", role), ("q", query.q)) if value})}#members"${' aria-current="page"' if role == query.role else '' | n}>${label}</a></li>
% endfor
</ul>
</nav>
% if number > len(members) or query.q:
${people.search_form(query, "Members", "Name, full name or e-mail has", role=query.role)}
% endif
% if members:
<ul class="names" aria-label="Members">
% for one in members:
${member(place, one)}
% endfor
</ul>
% else:
<p class="empty">\
% if query.q:
Nobody of these has “${query.q}” in name, full name or e-mail address.
% elif query.role:
The group has no admin. Who may change the members of all groups can make one.
% else:
Nobody is in this group.
% endif
</p>
% endif
${people.pages(query, following, role=query.role)}
</section>
</%def>

<%def name="adding(place)">
<%part:form path="${place + '/users'}" name="add" done="Added." classes="adding">
<div class="field grow"><label for="add-name">User name</label>
<input id="add-name" name="name" required autocomplete="off" data-complete="users" value="${page.typed("add", "name")}"></div>
<button>Add<span class="unseen"> to the group</span></button>
</%part:form>
</%def>

<%def name="member(place, one)">
<% name = one["user_name"] %>\
<li><span><a href="${page.of(one["url"])}">${name}</a> <span class="dim">${one["full_name"] or ""}</span>\
% if one["is_admin"]:
 <span class="badge active">admin</span>\
% endif
% if one.get("suspended"):
 <span class="badge suspended">suspended</span>\
% endif
</span>
<span class="buttons">
% if one["is_admin"] and page.may("group:change-members", one["place"]):
<%part:form path="${place + '/admins/' + name}" name="${'dismiss-' + name}" method="DELETE" then="${page.here}" done="${name + ' is no longer an admin.'}" classes="inline">
<button class="quiet">Remove as admin<span class="unseen">: ${name}</span></button>
</%part:form>
% elif not one["is_admin"] and page.may("group:appoint", one["place"]):
<%part:form path="${place + '/admins/' + name}" name="${'appoint-' + name}" method="PUT" then="${page.here}" done="${name + ' is an admin of the group now.'}" classes="inline">
<button class="quiet">Make admin<span class="unseen">: ${name}</span></button>
</%part:form>
% endif
% if name != page.caller.user_name and page.may("group:remove-member", one["place"]):
<%part:form path="${place + '/users/' + name}" name="${'remove-' + name}" method="DELETE" then="${page.here}" done="${name + ' is no longer in the group.'}" classes="inline">
<button class="danger quiet">Remove<span class="unseen"> ${name}</span></button>
</%part:form>
% endif
</span>
</li>
</%def>
