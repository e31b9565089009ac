<%inherit file="repoman:templates/base.mako"/>
<%namespace name="entry" file="repoman:templates/entry.mako"/>
<%block name="title">Welcome</%block>
<div class="prose">
<h1>Virtual machine images, for people with a certificate</h1>
<p>Repoman keeps images of virtual machines. Upload a disk, share it with a colleague or a group,
fetch it from anywhere. Your x509 certificate says who you are: there is no password.</p>
${entry.way_in(error)}
</div>
