{{- define "tidegate.agentImage" -}}
"{{ .Values.agent.image.repository }}:{{ .Values.agent.image.tag | default .Chart.AppVersion }}"
{{- end }}

{{- define "tidegate.container" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "tidegate.secrets" -}}
- name: OPENCLAW_GATEWAY_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ .Values.secret }}, key: gateway-password } }
- name: TIDEGATE_USER_HEADER
  valueFrom: { secretKeyRef: { name: {{ .Values.secret }}, key: user-header } }
{{- end }}

{{- /* On loopback inside the pod, where no probe of the kubelet's reaches. */}}
{{- define "tidegate.probe" -}}
["node", "-e", "fetch('http://127.0.0.1:{{ . }}').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
{{- end }}
