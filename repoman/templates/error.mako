<%inherit file="repoman:templates/base.mako"/>
<%namespace name="entry" file="repoman:templates/entry.mako"/>
<%block name="title">${error.title}</%block>
<div class="prose">
<h1>${error.title}</h1>
<p>${error.detail}</p>
% if error.code in ("certificate-unknown", "certificate-required"):
${entry.way_in(error)}
% endif
</div>
<%block name="footer">Status ${error.status}, code <code>${error.code}</code>, request <code>${request_id}</code></%block>
