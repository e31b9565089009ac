## How an upload goes on, for scripts to fill in (static/transfer.js).
<%def name="transfer()">
<div class="transfer" hidden>
<progress data-part="bar" max="1" value="0"></progress>
<p class="numbers" data-part="numbers"></p>
<p data-part="state"></p>
<p class="refusal" data-part="reason" hidden></p>
<div class="actions">
<button type="button" data-part="pause">Pause<span class="unseen" data-part="file"></span></button>
<button type="button" class="primary" data-part="go">Go on<span class="unseen" data-part="file"></span></button>
<details class="confirm" data-part="end">
<summary class="button danger quiet">Discard<span class="unseen" data-part="file"></span></summary>
<div class="box">
<p>What has arrived is thrown away.</p>
<button type="button" class="danger" data-part="discard">Discard the upload<span class="unseen" data-part="file"></span></button>
</div>
</details>
</div>
</div>
</%def>

## What every page that uploads by scripts has besides.
<%def name="uploading()">
<template id="transfer">${transfer()}</template>
<p class="unseen" id="said" role="status"></p>
</%def>

## The script itself, for the page's head.
<%def name="script()">\
<script type="module" src="${page.static("upload.js")}"></script>\
</%def>
