<%namespace name="transfers" file="repoman:templates/transfer.mako"/>

## A file that was chosen, for scripts to fill in (static/card.js).
<%def name="card()">
<li class="card box">
<div class="heading">
<h2></h2>
<p class="dim number" data-part="size"></p>
</div>
<p class="warning" data-part="changed" hidden>An upload of a file with this name and size is unfinished, but that file was of another time: this one is sent from its first byte.</p>
<form>
<div class="row">
<label class="field">To
<select name="to">
% if page.may("image:create"):
<option value="new">a new image</option>
% endif
<option value="own">an image of mine</option>
</select></label>
<label class="field grow">Image name
<input name="name" required maxlength="256" pattern="[A-Za-z0-9][A-Za-z0-9_.\-]*" autocomplete="off"></label>
<label class="field">Hypervisor
<select name="hypervisor">
% for one in hypervisors:
<option value="${one}">${one}</option>
% endfor
</select></label>
</div>
<p class="dim" data-part="note" role="status"></p>
<div class="actions">
<button class="primary">Start<span class="unseen" data-part="file"></span></button>
<button type="button" class="quiet" data-part="remove">Remove<span class="unseen" data-part="file"></span></button>
</div>
</form>
<p class="dim" data-part="where" hidden></p>
${transfers.transfer()}
<p data-part="image" hidden><a></a></p>
</li>
</%def>
