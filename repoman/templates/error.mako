<%inherit file="repoman:templates/base.mako"/>
<%namespace name="entry" file="repoman:templates/entry.mako"/>
<%block name="title">${error.title}</%block>
<div class="prose">
<h1>${error.title}</h1>
<p>${words(error)}</p>
% if page.caller and error.code in ways_on:
<% path, label = ways_on[error.code] %>\
<p><a href="${page.at(path)}">${label}</a></p>
% endif
% if error.code in ("certificate-unknown", "certificate-required"):
${entry.way_in(error)}
% endif
</div>
<%block name="footer">Status ${error.status}, code <code>${error.code}</code>, request <code>${request_id}</code></%block>
