<%inherit file="repoman:templates/base.mako"/>
<%namespace name="part" file="repoman:templates/parts.mako"/>
<%namespace name="people" file="repoman:templates/people.mako"/>
<%namespace name="parts_of_group" file="repoman:templates/group_permissions.mako"/>
<%! from urllib.parse import urlencode %>
<%block name="title">Groups</%block>
<h1>Groups</h1>
% if page.may("group:create"):
<details class="edit"${' open' if page.reason("new") else ''}>
<summary class="button primary">New group</summary>
<div class="box">
${new_group()}
</div>
</details>
% endif
<nav class="tabs" aria-label="Which groups">
<ul>
% for name, label in views.items():
<li><a href="?${urlencode({"view": name} | ({"q": query.q} if query.q else {}))}"${' aria-current="page"' if name == query.view else '' | n}>${label}</a></li>
% endfor
</ul>
</nav>
${people.search_form(query, "Groups", "Name or description has", view=query.view)}
% if groups:
<table class="list">
<caption class="unseen">${views[query.view]}</caption>
<thead><tr><th scope="col">Group</th><th scope="col" class="number">Members</th><th scope="col">You are</th></tr></thead>
<tbody>
% for one in groups:
<tr>
<th scope="row"><a href="${page.of(one["url"])}">${one["name"]}</a>\
% if one["protected"]:
 <span class="badge">protected</span>\
% endif
% if one["description"]:
<span class="description dim">${page.formats.first_words(one["description"])}</span>\
% endif
</th>
<td data-label="Members" class="number">${f"{one['members']:,}"}</td>
<td data-label="You are">\
% if one["standing"]:
<span class="badge ${"active" if one["standing"].is_admin else ""}">${"its admin" if one["standing"].is_admin else "a member"}</span>\
% else:
<span class="dim">–</span>\
% endif
</td>
</tr>
% endfor
</tbody>
</table>
% else:
<p class="empty">\
% if query.q:
No group of these has “${query.q}” in its name or description.
% elif query.view == "mine":
You are in no group.
% else:
There are no groups.
% endif
</p>
% endif
${people.pages(query, following, view=query.view)}

<%def name="new_group()">
<%part:form path="/groups" name="new" done="The group is made, and you are its admin.">
${part.field("new", "name", "Name", required=True, maxlength=100, autocomplete="off", hint="a-z 0-9 _ . - after a first letter or digit")}
${part.text("new", "description", "Description", rows=2, maxlength=4096)}
% if grantable and page.may("group:change-permissions"):
${parts_of_group.boxes("new", [(name, words, False, True) for name, words in grantable.items()])}
% endif
% if page.may("group:set-quota"):
${people.quota_field("new")}
% endif
<button class="primary">Make the group</button>
</%part:form>
</%def>
