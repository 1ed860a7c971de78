// Generated from the OpenAPI document by `npm run generate`. Do not edit.

export interface paths {
    readonly "/v1/api-keys": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_api_keys"];
        readonly put?: never;
        readonly post: operations["create_api_key"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/api-keys/{prefix}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post?: never;
        readonly delete: operations["revoke_api_key"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/api-keys/{prefix}/rotate": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["rotate_api_key"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/audit": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_audit_events"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/bulk-actions": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_bulk_actions"];
        readonly put?: never;
        readonly post: operations["begin_bulk_action"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/bulk-actions/{action_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["get_bulk_action"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/bulk-actions/{action_id}/abort": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["abort_bulk_action"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/categories": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_categories"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/categories/{name}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["read_category"];
        readonly put: operations["put_category"];
        readonly post?: never;
        readonly delete: operations["delete_category"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/confirmations": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["confirm"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/dead-letters": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_dead_letters"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/dead-letters/{delivery_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["get_dead_letter"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/dead-letters/redrive": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["redrive"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/deliveries/{delivery_id}/why": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["explain_delivery"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/erasures/{erasure_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["get_erasure"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/groups": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_groups"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/groups/{name}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["read_group"];
        readonly put: operations["put_group"];
        readonly post?: never;
        readonly delete: operations["delete_group"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/groups/{name}/members": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_members"];
        readonly put?: never;
        readonly post: operations["add_members"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/groups/{name}/members/remove": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["remove_members"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/groups/{name}/notify": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["notify_group"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/groups/{name}/notify/dry-run": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["dry_run_notify_group"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/inbox": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_inbox"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/inbox/{item_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post?: never;
        readonly delete: operations["delete_inbox_item"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/inbox/status": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["change_inbox"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/inbox/stream": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["stream_inbox"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/inbox/stream/ticket": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["create_stream_ticket"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/inbox/unread": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["count_unread"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["read_me"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch: operations["change_me"];
        readonly trace?: never;
    };
    readonly "/v1/me/categories": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_my_categories"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/leave": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["leave_everything"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/preferences": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["read_my_preferences"];
        readonly put: operations["replace_my_preferences"];
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch: operations["change_my_preferences"];
        readonly trace?: never;
    };
    readonly "/v1/me/quiet-hours": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["read_my_quiet_hours"];
        readonly put: operations["replace_my_quiet_hours"];
        readonly post?: never;
        readonly delete: operations["remove_my_quiet_hours"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/topics": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_my_topics"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/notifications": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_notifications"];
        readonly put?: never;
        readonly post: operations["notify"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/notifications/{notification_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["get_notification"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch: operations["edit_notification"];
        readonly trace?: never;
    };
    readonly "/v1/notifications/{notification_id}/acknowledge": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["acknowledge_notification"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/notifications/{notification_id}/cancel": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["cancel_notification"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/notifications/{notification_id}/deliveries": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_deliveries"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/notifications/{notification_id}/replay": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["replay_notification"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/notifications/batch": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["notify_batch"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/notifications/dry-run": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["dry_run_notify"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/receipts/{provider}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["take_receipt"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/recipients": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_recipients"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/recipients/{user_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["read_recipient"];
        readonly put: operations["upsert_recipient"];
        readonly post?: never;
        readonly delete: operations["erase_recipient"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/recipients/{user_id}/contacts": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_contacts"];
        readonly put?: never;
        readonly post: operations["add_contact"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/recipients/{user_id}/contacts/{contact_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post?: never;
        readonly delete: operations["remove_contact"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/recipients/{user_id}/contacts/find": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["find_contact"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/recipients/{user_id}/contacts/remove": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["remove_address"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/recipients/{user_id}/deliveries": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_recipient_deliveries"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/recipients/{user_id}/devices": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_devices"];
        readonly put?: never;
        readonly post: operations["register_device"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/recipients/{user_id}/devices/{contact_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post?: never;
        readonly delete: operations["remove_device"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/recipients/{user_id}/devices/remove": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["remove_token"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/recipients/{user_id}/export": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["export_recipient"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/recipients/{user_id}/preferences": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["read_preferences"];
        readonly put: operations["replace_preferences"];
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch: operations["change_preferences"];
        readonly trace?: never;
    };
    readonly "/v1/recipients/{user_id}/quiet-hours": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["read_quiet_hours"];
        readonly put: operations["replace_quiet_hours"];
        readonly post?: never;
        readonly delete: operations["remove_quiet_hours"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/recipients/bulk": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["upsert_recipients"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/replies/{provider}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["take_reply"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/schedules": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_schedules"];
        readonly put?: never;
        readonly post: operations["create_schedule"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/schedules/{name}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["read_schedule"];
        readonly put?: never;
        readonly post?: never;
        readonly delete: operations["delete_schedule"];
        readonly options?: never;
        readonly head?: never;
        readonly patch: operations["change_schedule"];
        readonly trace?: never;
    };
    readonly "/v1/schedules/{name}/pause": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["pause_schedule"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/schedules/{name}/resume": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["resume_schedule"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/schedules/{name}/run": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["run_schedule"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/schedules/{name}/runs": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_schedule_runs"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/schedules/{name}/skip": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["skip_occurrence"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/status-webhooks": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_status_webhooks"];
        readonly put?: never;
        readonly post: operations["create_status_webhook"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/status-webhooks/{webhook_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["read_status_webhook"];
        readonly put?: never;
        readonly post?: never;
        readonly delete: operations["delete_status_webhook"];
        readonly options?: never;
        readonly head?: never;
        readonly patch: operations["change_status_webhook"];
        readonly trace?: never;
    };
    readonly "/v1/status-webhooks/{webhook_id}/deliveries": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_status_webhook_deliveries"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/status-webhooks/{webhook_id}/test": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["test_status_webhook"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/suppressions": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_suppressions"];
        readonly put?: never;
        readonly post: operations["add_suppression"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/suppressions/{suppression_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post?: never;
        readonly delete: operations["lift_suppression"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/templates": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_templates"];
        readonly put?: never;
        readonly post: operations["create_template"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/templates/{name}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["read_template"];
        readonly put?: never;
        readonly post?: never;
        readonly delete: operations["delete_template"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/templates/{name}/preview": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["preview_template"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/templates/{name}/versions": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_template_versions"];
        readonly put?: never;
        readonly post: operations["add_template_version"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/topics": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_topics"];
        readonly put?: never;
        readonly post: operations["create_topic"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/topics/{name}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["read_topic"];
        readonly put?: never;
        readonly post?: never;
        readonly delete: operations["delete_topic"];
        readonly options?: never;
        readonly head?: never;
        readonly patch: operations["change_topic"];
        readonly trace?: never;
    };
    readonly "/v1/topics/{name}/grants/{publisher}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put: operations["grant_topic"];
        readonly post?: never;
        readonly delete: operations["withdraw_grant"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/topics/{name}/publish": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["publish"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/topics/{name}/publish/dry-run": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["dry_run_publish"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/topics/{name}/statistics": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["topic_statistics"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/topics/{name}/subscriptions": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["list_subscriptions"];
        readonly put?: never;
        readonly post: operations["subscribe"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/topics/{name}/subscriptions/{subscription_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post?: never;
        readonly delete: operations["delete_subscription"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/topics/{name}/subscriptions/{subscription_id}/confirmation": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["send_confirmation"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/topics/{name}/unsubscribe": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["unsubscribe"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/usage": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["usage"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description A notification that somebody has acknowledged. */
        readonly Acknowledged: {
            /** Format: uuid */
            readonly id: string;
            /**
             * Format: date-time
             * @description when you first acknowledged it
             */
            readonly acknowledged_at: string;
        };
        /** @description A recipient's acknowledgement of a notification. */
        readonly Acknowledgement: {
            /** @description null for another publisher's topic, or if they are gone */
            readonly user_id: string | null;
            /** Format: date-time */
            readonly acknowledged_at: string;
        };
        /** @enum {string} */
        readonly ActionEnum: "redrive" | "release" | "cancel";
        /** @description One call to a provider. */
        readonly AttemptOut: {
            readonly number: number;
            readonly provider: string;
            /** Format: date-time */
            readonly started_at: string;
            readonly duration_ms: number;
            readonly outcome: string;
            readonly reason: string;
            readonly status: number | null;
            readonly detail: string;
        };
        /** @description The people who did not get an earlier notification of yours. */
        readonly AudienceIn: {
            /**
             * Format: uuid
             * @description the earlier notification, which is done
             */
            readonly not_reached_by: string;
            /** @description all of a person's deliveries are in one of these; if left out, in any but `accepted`, `delivered` and `unknown` */
            readonly states?: readonly components["schemas"]["AudienceInStatesEnum"][];
        };
        /** @enum {string} */
        readonly AudienceInStatesEnum: "suppressed" | "expired" | "cancelled" | "failed" | "dead" | "bounced" | "unknown" | "accepted";
        /** @description Up to 1,000 different notifications; each is checked and answered on its own. */
        readonly BatchIn: {
            readonly notifications: readonly components["schemas"]["NotificationIn"][];
        };
        /** @description One result for each notification, in the order of the request. */
        readonly BatchOut: {
            readonly results: readonly components["schemas"]["BatchResult"][];
        };
        /** @description The result for one notification of a batch. */
        readonly BatchResult: {
            /** @description position in the request, from 0 */
            readonly index: number;
            readonly status: components["schemas"]["BatchResultStatusEnum"];
            readonly notification?: components["schemas"]["TakenOut"];
            readonly problem?: components["schemas"]["ProblemDetails"];
        };
        /** @enum {string} */
        readonly BatchResultStatusEnum: "accepted" | "error";
        /** @enum {unknown} */
        readonly BlankEnum: "";
        /** @description A bulk action to begin: its kind, and the criteria of the rows. */
        readonly BulkActionIn: {
            readonly action: components["schemas"]["ActionEnum"];
            /** @description the criteria; `{}` for all, but for `cancel` */
            readonly match: components["schemas"]["BulkMatch"];
        };
        /** @description A bulk action, and how far it is. */
        readonly BulkActionOut: {
            /** Format: uuid */
            readonly id: string;
            readonly action: components["schemas"]["ActionEnum"];
            /** @description as posted; a reference until it ends */
            readonly match: {
                readonly [key: string]: string;
            };
            readonly state: components["schemas"]["BulkActionOutStateEnum"];
            /** @description how many matched when it began; null until then, and where it is not known */
            readonly total: number | null;
            /** @description how many of them it has gone through */
            readonly done: number;
            /** @description what became of those it has gone through, by name */
            readonly counts: {
                readonly [key: string]: number;
            };
            /** Format: date-time */
            readonly requested_at: string;
            /** Format: date-time */
            readonly started_at: string | null;
            /** Format: date-time */
            readonly finished_at: string | null;
        };
        /** @enum {string} */
        readonly BulkActionOutStateEnum: "waiting" | "running" | "done" | "aborted";
        /** @description Criteria; all that are given must hold. Each action has some of them. */
        readonly BulkMatch: {
            /** @description its name; redrive, cancel */
            readonly topic?: string;
            /** @description redrive, release */
            readonly channel?: components["schemas"]["ChannelEnum"];
            /** @description redrive, release */
            readonly provider?: string;
            /** @description redrive, release */
            readonly reason?: string;
            /** @description release, cancel */
            readonly priority?: components["schemas"]["PriorityEnum"];
            /**
             * Format: uuid
             * @description release
             */
            readonly notification_id?: string;
            /** @description cancel */
            readonly reference?: string;
            /** @description cancel */
            readonly category?: string;
            /** @description cancel */
            readonly state?: components["schemas"]["BulkMatchStateEnum"];
            /**
             * Format: date-time
             * @description accepted then or later; cancel
             */
            readonly since?: string;
            /**
             * Format: date-time
             * @description accepted before then; cancel
             */
            readonly until?: string;
            /**
             * Format: date-time
             * @description then or later; redrive
             */
            readonly died_after?: string;
            /**
             * Format: date-time
             * @description redrive
             */
            readonly died_before?: string;
        };
        /** @enum {string} */
        readonly BulkMatchStateEnum: "scheduled" | "sending";
        /** @description One recipient of a bulk call. */
        readonly BulkRecipientIn: {
            /** @description the only email address; it replaces all others, and null removes them */
            readonly email?: string | null;
            /** @description the only number for SMS; it replaces all others, and null removes them */
            readonly phone?: string | null;
            /** @description BCP 47, e.g. de-AT */
            readonly locale?: string | null;
            /** @description IANA name, e.g. Europe/Vienna */
            readonly time_zone?: string | null;
            /** @description what templates call the person: `{{ recipient.name }}`; null removes it */
            readonly name?: string | null;
            /** @description for templates, `{{ recipient.attributes.city }}`; they replace all others, and null removes them */
            readonly attributes?: {
                readonly [key: string]: unknown;
            } | null;
            readonly devices?: readonly components["schemas"]["DeviceIn"][];
            /** @description the addresses on each channel named here; they replace all others on it */
            readonly contacts?: readonly components["schemas"]["ContactIn"][];
            readonly preferences?: readonly components["schemas"]["PreferenceIn"][];
            /** @description how many notifications the person is sent at most; they are added, and where the person has one for the same the lower one holds */
            readonly frequency_caps?: readonly components["schemas"]["FrequencyCapIn"][];
            /** @description how often the person is sent what may wait; they are added, and what the person chose stays */
            readonly digests?: readonly components["schemas"]["DigestChoiceIn"][];
            /** @description the company's own id of the person; never folded */
            readonly user_id: string;
        };
        /** @description Many recipients, each validated on its own. */
        readonly BulkRecipientsIn: {
            readonly recipients: readonly components["schemas"]["BulkRecipientIn"][];
        };
        /** @enum {string} */
        readonly CadenceEnum: "at_once" | "hourly" | "daily" | "weekly";
        /** @description At most `limit` notifications of the category to one person on a channel. */
        readonly CategoryCapIn: {
            readonly channel: components["schemas"]["ChannelEnum"];
            readonly limit: number;
            /** @description within any hour, day or week */
            readonly per: components["schemas"]["PerEnum"];
        };
        /** @description A cap of a category. */
        readonly CategoryCapOut: {
            readonly channel: string;
            readonly limit: number;
            readonly per: components["schemas"]["PerEnum"];
        };
        /** @description Notifications of the category that a person is told in one message. */
        readonly CategoryDigestIn: {
            /** @description seconds from the first one until it is told; either this or `at` */
            readonly window?: number;
            /** @description the time of day in each recipient's zone at which it is told */
            readonly at?: string;
            /** @description the publisher's template that tells it; without, they are listed */
            readonly template?: string;
        };
        /** @description The digest of a category. */
        readonly CategoryDigestOut: {
            readonly window?: number;
            readonly at?: string;
            readonly template?: string;
        };
        /** @description A category to create or change. What is left out stays as it is. */
        readonly CategoryIn: {
            /** @description critical: nobody can refuse it. transactional if a new one does not say */
            readonly kind?: components["schemas"]["KindEnum"];
            /** @description of readers whose own locale has no text; `en` if a new one does not say */
            readonly default_locale?: string;
            /** @description what people read in place of its name */
            readonly display_name?: {
                readonly [key: string]: string;
            };
            /** @description what it is about, for people */
            readonly description?: {
                readonly [key: string]: string;
            };
            /** @description by channel, for people who have chosen nothing; true if left out */
            readonly defaults?: {
                readonly [key: string]: boolean;
            };
            /** @description its place on people's pages */
            readonly position?: number;
            /** @description how many of it one person is sent at most; they replace all others */
            readonly frequency_caps?: readonly components["schemas"]["CategoryCapIn"][];
            /** @description tell each person of it together, unless they choose otherwise; null: at once */
            readonly digest?: components["schemas"]["CategoryDigestIn"] | null;
        };
        /** @description A category. */
        readonly CategoryOut: {
            readonly name: string;
            readonly kind: components["schemas"]["KindEnum"];
            readonly default_locale: string;
            readonly display_name: {
                readonly [key: string]: string;
            };
            readonly description: {
                readonly [key: string]: string;
            };
            readonly defaults: {
                readonly [key: string]: boolean;
            };
            readonly position: number;
            readonly frequency_caps: readonly components["schemas"]["CategoryCapOut"][];
            readonly digest: components["schemas"]["CategoryDigestOut"] | null;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly updated_at: string;
        };
        /** @description The forecast of the deliveries on one channel. */
        readonly ChannelDryRunOut: {
            /** @description how many subscriptions, members or recipients there are */
            readonly audience: number;
            /** @description how many of them were judged; where these are fewer, the numbers are estimates */
            readonly judged: number;
            /** @description how many people and bare addresses would get it */
            readonly people: number;
            /** @description how many deliveries would be sent at once */
            readonly now: number;
            /** @description how many later, by the reason to wait */
            readonly later: {
                readonly [key: string]: number;
            };
            /** @description how many not at all, by reason */
            readonly not_sent: {
                readonly [key: string]: number;
            };
        };
        /** @enum {string} */
        readonly ChannelEnum: "push" | "sms" | "email" | "webhook" | "inbox";
        /** @description The token that was sent to the address. */
        readonly ConfirmationIn: {
            readonly token: string;
        };
        /** @description A confirmed subscription. */
        readonly ConfirmedOut: {
            readonly topic: string;
            readonly channel: string;
            /** @description active */
            readonly state: string;
        };
        /** @description A contact, identified by its address. */
        readonly ContactAt: {
            readonly channel: components["schemas"]["ContactChannelEnum"];
            /** @description in any spelling */
            readonly address: string;
        };
        /** @enum {string} */
        readonly ContactChannelEnum: "sms" | "email" | "webhook";
        /** @description A phone number, an email address or a webhook URL. */
        readonly ContactIn: {
            readonly channel: components["schemas"]["ContactChannelEnum"];
            readonly address: string;
            /**
             * @description webhooks only: the signing secret, `whsec_…`; generated if left out
             * @default
             */
            readonly secret?: string;
        };
        /** @description A written contact. */
        readonly ContactMade: {
            readonly id: number;
            readonly channel: string;
            /** @description masked */
            readonly address: string;
            /** @description differs between addresses of one recipient that are masked alike */
            readonly fingerprint: string;
            /** @description active or disabled */
            readonly state: string;
            readonly disabled_reason: string;
            /**
             * Format: date-time
             * @description webhooks only: until when the former secret signs, too
             */
            readonly former_secret_until: string | null;
            /** Format: date-time */
            readonly created_at: string;
            /** @description a webhook's signing secret, shown when given or generated */
            readonly secret?: string;
        };
        /** @description A contact, its address masked. */
        readonly ContactRow: {
            readonly id: number;
            readonly channel: string;
            /** @description masked */
            readonly address: string;
            /** @description differs between addresses of one recipient that are masked alike */
            readonly fingerprint: string;
            /** @description active or disabled */
            readonly state: string;
            readonly disabled_reason: string;
            /**
             * Format: date-time
             * @description webhooks only: until when the former secret signs, too
             */
            readonly former_secret_until: string | null;
            /** Format: date-time */
            readonly created_at: string;
        };
        /** @enum {string} */
        readonly ContactStateEnum: "active" | "disabled";
        /** @description Title, body, data for an app, and links for a person to follow. */
        readonly ContentIn: {
            /** @default  */
            readonly title?: string;
            /** @default  */
            readonly body?: string;
            readonly data?: {
                readonly [key: string]: unknown;
            };
            /** @description label to URL: https, http, mailto, tel, sms or an app's own scheme */
            readonly actions?: {
                readonly [key: string]: string;
            };
            /**
             * @description for the inbox
             * @default info
             */
            readonly severity?: components["schemas"]["SeverityEnum"];
            /**
             * @description where else than in the inbox an app shows it
             * @default inbox
             */
            readonly display_type?: components["schemas"]["DisplayTypeEnum"];
            /**
             * @description the system it comes from, for the inbox
             * @default
             */
            readonly source?: string;
        };
        /** @description The content on one channel in one locale. */
        readonly ContentOut: {
            readonly channel: string;
            readonly locale: string;
            readonly title: string;
            readonly body: string;
            readonly html: string;
            readonly data: {
                readonly [key: string]: unknown;
            };
            readonly actions: {
                readonly [key: string]: string;
            };
        };
        /** @description The numbers of unread and unseen items. */
        readonly CountsOut: {
            readonly unread: number;
            /** @description those of them that were not on the screen yet */
            readonly unseen: number;
        };
        /** @enum {string} */
        readonly DaysEnum: "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";
        /** @description Days for which what is in a category is kept. */
        readonly DaysKeptOfCategory: {
            /** @description of title, body, data and variables; of a critical notification that expires an hour after its expiry, if that is earlier */
            readonly content_days: number;
            /** @description of notifications, deliveries and attempts */
            readonly record_days: number;
            readonly category: string;
        };
        /** @description A dead letter with every attempt. */
        readonly DeadLetterOut: {
            readonly id: string;
            /** @description null for another publisher's topic */
            readonly user_id: string | null;
            readonly channel: string;
            /** @description masked; null for another publisher's topic */
            readonly address: string | null;
            /** @description null for another publisher's topic */
            readonly contact_id: number | null;
            readonly state: string;
            readonly reason: string;
            /** @description the reason in words, with the names of the topic or category that a preference refused; empty without a reason */
            readonly reason_text: string;
            readonly provider: string;
            readonly provider_message_id: string;
            /** @description the delivery that this one replaces after its last attempt */
            readonly instead_of: string | null;
            /** @description the delivery of the digest that tells this one together with others */
            readonly told_in: string | null;
            /** @description of the notification's fallback, from 1; 0 for the first channels */
            readonly step: number;
            /**
             * Format: date-time
             * @description of what waits for a digest: when that closes
             */
            readonly next_attempt_at: string | null;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly updated_at: string;
            readonly attempts: readonly components["schemas"]["AttemptOut"][];
            readonly receipts: readonly components["schemas"]["ReceiptOut"][];
            /** Format: uuid */
            readonly notification_id: string;
            readonly topic: string | null;
            /** Format: date-time */
            readonly died_at: string;
        };
        /** @description A dead letter in a list. */
        readonly DeadLetterRow: {
            readonly id: string;
            /** Format: uuid */
            readonly notification_id: string;
            readonly topic: string | null;
            readonly channel: string;
            readonly provider: string;
            readonly reason: string;
            /** @description null for another publisher's topic */
            readonly user_id: string | null;
            /** @description masked; null for another publisher's topic */
            readonly address: string | null;
            /** Format: date-time */
            readonly died_at: string;
        };
        /** @description Deliveries that reached each state on a day. */
        readonly DeliveriesOfDay: {
            /** Format: date */
            readonly day: string;
            readonly states: {
                readonly [key: string]: number;
            };
        };
        /**
         * @description One notification to one contact: its state, every attempt and every receipt so far.
         *
         *     ``context``: see ``presenters.delivery_context``.
         */
        readonly DeliveryOut: {
            readonly id: string;
            /** @description null for another publisher's topic */
            readonly user_id: string | null;
            readonly channel: string;
            /** @description masked; null for another publisher's topic */
            readonly address: string | null;
            /** @description null for another publisher's topic */
            readonly contact_id: number | null;
            readonly state: string;
            readonly reason: string;
            /** @description the reason in words, with the names of the topic or category that a preference refused; empty without a reason */
            readonly reason_text: string;
            readonly provider: string;
            readonly provider_message_id: string;
            /** @description the delivery that this one replaces after its last attempt */
            readonly instead_of: string | null;
            /** @description the delivery of the digest that tells this one together with others */
            readonly told_in: string | null;
            /** @description of the notification's fallback, from 1; 0 for the first channels */
            readonly step: number;
            /**
             * Format: date-time
             * @description of what waits for a digest: when that closes
             */
            readonly next_attempt_at: string | null;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly updated_at: string;
            readonly attempts: readonly components["schemas"]["AttemptOut"][];
            readonly receipts: readonly components["schemas"]["ReceiptOut"][];
        };
        /** @description A device, identified by its token. */
        readonly DeviceAt: {
            readonly platform: components["schemas"]["PlatformEnum"];
            readonly token: string;
        };
        /** @description A device to register. */
        readonly DeviceIn: {
            readonly platform: components["schemas"]["PlatformEnum"];
            /** @description as the platform issued it to the app */
            readonly token: string;
            /**
             * @description bundle id
             * @default
             */
            readonly app?: string;
            /** Format: date-time */
            readonly last_active_at?: string | null;
        };
        /** @description A device, its token masked. */
        readonly DeviceRow: {
            readonly id: number;
            readonly platform: string;
            /** @description masked */
            readonly token: string;
            /** @description differs between addresses of one recipient that are masked alike */
            readonly fingerprint: string;
            readonly app: string;
            /** @description active or disabled */
            readonly state: string;
            readonly disabled_reason: string;
            /** Format: date-time */
            readonly last_active_at: string | null;
            /** Format: date-time */
            readonly created_at: string;
        };
        /** @description The person's choice of how often to be sent a category. */
        readonly DigestChoiceIn: {
            /**
             * @description without, all that have no choice of their own
             * @default
             */
            readonly category?: string | null;
            readonly cadence: components["schemas"]["CadenceEnum"];
        };
        /** @description A person's choice of how often to be sent a category. */
        readonly DigestChoiceOut: {
            readonly category: string | null;
            readonly cadence: components["schemas"]["CadenceEnum"];
        };
        /** @description Tell it together with others under the same key, in one message. */
        readonly DigestIn: {
            /** @description seconds from the first one until it is told; either this or `at` */
            readonly window?: number;
            /** @description the time of day in each recipient's zone at which it is told */
            readonly at?: string;
            /** @description the publisher's template that tells it; without, they are listed */
            readonly template?: string;
            /**
             * @description those with the same key are told together; without, all of the category
             * @default
             */
            readonly key?: string;
        };
        /** @description The digest that a notification asked for. */
        readonly DigestOut: {
            readonly window?: number;
            readonly at?: string;
            readonly template?: string;
            readonly key: string;
        };
        /** @enum {string} */
        readonly DisplayTypeEnum: "inbox" | "banner_dismiss" | "banner_nondismiss" | "page" | "popup";
        /** @description The forecast of a notification: what posting it now would do. */
        readonly DryRunOut: {
            /** @description whether all were judged on every channel */
            readonly exact: boolean;
            readonly priority: string;
            readonly category: string | null;
            /** @description by channel */
            readonly channels: {
                readonly [key: string]: components["schemas"]["ChannelDryRunOut"];
            };
            /** @description the fallback's channel, at most: if none were reached */
            readonly fallback: {
                readonly [key: string]: components["schemas"]["ChannelDryRunOut"];
            };
            /** @description of a fallback with steps, each at most likewise */
            readonly steps: readonly components["schemas"]["StepDryRunOut"][];
            readonly warnings: readonly components["schemas"]["WarningOut"][];
        };
        /** @description The erasure of a person. */
        readonly Erasure: {
            /** Format: uuid */
            readonly id: string;
            /** @description erasing: nobody finds or reaches them any more, and the rest is being erased; done: nothing names them any more */
            readonly state: components["schemas"]["ErasureStateEnum"];
            /** @description how many they were erased from until now */
            readonly deliveries: number;
            /** Format: date-time */
            readonly requested_at: string;
            /** Format: date-time */
            readonly finished_at: string | null;
        };
        /** @enum {string} */
        readonly ErasureStateEnum: "erasing" | "done";
        /** @enum {string} */
        readonly EventEnum: "accepted" | "delivered" | "deferred" | "bounced" | "failed" | "complained" | "unsubscribed";
        /** @description An event of the audit trail. */
        readonly EventOut: {
            /** Format: date-time */
            readonly at: string;
            /** @description publisher, operator or system */
            readonly actor_kind: string;
            /** @description the key's prefix, the operator's user name, or the command */
            readonly actor: string;
            readonly remote_address: string | null;
            /** @description create, update, delete, … */
            readonly action: string;
            readonly object_type: string;
            readonly object_name: string;
            /** @description the changed fields' values before */
            readonly before: {
                readonly [key: string]: unknown;
            } | null;
            /** @description the changed fields' values after */
            readonly after: {
                readonly [key: string]: unknown;
            } | null;
        };
        /** @enum {string} */
        readonly EventsEnum: "accepted" | "delivered" | "bounced" | "failed" | "dead" | "unknown" | "suppressed" | "expired" | "cancelled" | "message.received" | "preference.changed";
        /** @description An explanation of why somebody got a notification or did not, in sentences for people. */
        readonly Explanation: {
            readonly delivery_id: string;
            /** Format: uuid */
            readonly notification_id: string;
            /** @description null for a bare endpoint */
            readonly user_id: string | null;
            /** @description whether they got it, on any channel */
            readonly verdict: components["schemas"]["VerdictEnum"];
            /** @description the verdict in words */
            readonly headline: string;
            /** @description about the notification */
            readonly sentences: readonly components["schemas"]["Sentence"][];
            /** @description about each channel, with every attempt */
            readonly channels: {
                readonly [key: string]: readonly components["schemas"]["Sentence"][];
            };
        };
        /** @description Everything that is held about a person; what each list has is in the documentation. */
        readonly Export: {
            /** Format: date-time */
            readonly exported_at: string;
            /** @description name, attributes, locale and zone */
            readonly recipient: {
                readonly [key: string]: unknown;
            };
            /** @description devices, phones, mailboxes, webhooks and the inbox, addresses in clear */
            readonly contacts: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @description what they allowed and refused */
            readonly preferences: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @description how many notifications they want at most */
            readonly frequency_caps: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @description how often they want to be told */
            readonly digests: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @description groups that they are in */
            readonly groups: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @description why nothing is sent to an address of theirs, STOPs included */
            readonly suppressions: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @description changes of their contacts and preferences */
            readonly changes: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @description topics that they subscribe to, or have left */
            readonly subscriptions: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @description notifications that are sent to them again and again */
            readonly schedules: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @description items of their inbox */
            readonly inbox: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @description what was made for them, with content, attempts and receipts */
            readonly deliveries: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @description notifications that they read or acknowledged */
            readonly answers: readonly {
                readonly [key: string]: unknown;
            }[];
            /** @description events of the audit trail about them */
            readonly audit: readonly {
                readonly [key: string]: unknown;
            }[];
        };
        /** @description Another channel, for recipients whom none of the others reached in time. */
        readonly Fallback: {
            /** @description not one of `channels` */
            readonly channel: components["schemas"]["ChannelEnum"];
            /** @description how long the other channels have, from acceptance or `send_at`; of a further step from the one before */
            readonly after_seconds: number;
            /** @description it goes to those for whom this does not hold by then; as the step before if left out, and `delivered` in the first */
            readonly unless?: components["schemas"]["UnlessEnum"];
            /** @description a group of yours whose members get it, until one has answered */
            readonly group?: string;
            /** @description the next step; there are at most 5 */
            readonly then?: components["schemas"]["Fallback"];
        };
        /** @description A step of a fallback, and what became of it. */
        readonly FallbackStep: {
            /** @description from 1 */
            readonly number: number;
            readonly channel: string;
            /** @description null if it is for the same people; empty if it was deleted */
            readonly group: string | null;
            readonly unless: components["schemas"]["UnlessEnum"];
            /** @description after the step before */
            readonly after_seconds: number;
            readonly state: components["schemas"]["FallbackStepStateEnum"];
            /**
             * Format: date-time
             * @description while it waits
             */
            readonly due_at: string | null;
            /** @description its deliveries by state */
            readonly counts: {
                readonly [key: string]: number;
            };
        };
        /** @enum {string} */
        readonly FallbackStepStateEnum: "waiting" | "sending" | "done" | "not_needed" | "cancelled";
        /** @description At most `limit` notifications to the person on a channel. */
        readonly FrequencyCapIn: {
            readonly channel: components["schemas"]["ChannelEnum"];
            readonly limit: number;
            /** @description within any hour, day or week */
            readonly per: components["schemas"]["PerEnum"];
            /**
             * @description only those of this category; without, all on the channel
             * @default
             */
            readonly category?: string | null;
        };
        /** @description A person's own cap. */
        readonly FrequencyCapOut: {
            readonly channel: string;
            readonly limit: number;
            readonly per: components["schemas"]["PerEnum"];
            readonly category: string | null;
        };
        /** @description A group to create or change. What is left out stays as it is. */
        readonly GroupIn: {
            readonly display_name?: string | null;
        };
        /** @description A group. */
        readonly GroupOut: {
            readonly name: string;
            readonly display_name: string;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly updated_at: string;
        };
        /** @description The quota and rate limit of notifications of high priority. */
        readonly HighQuotaOut: {
            readonly per_day: number;
            readonly used: number;
            readonly per_second: number;
            /** @description notifications at once after a pause */
            readonly burst: number;
        };
        /** @description Deliveries that ended in one hour. Negative where more of them were redriven. */
        readonly HourOut: {
            /** Format: date-time */
            readonly hour: string;
            readonly sent: number;
            readonly failed: number;
            readonly suppressed: number;
        };
        /** @description A change of some items, or of all that are in the inbox. */
        readonly InboxChange: {
            /** @description snoozed needs snoozed_until; restored brings back what is archived or snoozed */
            readonly status: components["schemas"]["InboxChangeStatusEnum"];
            /**
             * Format: date-time
             * @description when snoozed items come back, within 90 days
             */
            readonly snoozed_until?: string;
            readonly ids?: readonly number[];
            /** @description true, instead of ids */
            readonly all?: boolean;
        };
        /** @enum {string} */
        readonly InboxChangeStatusEnum: "unread" | "seen" | "read" | "acknowledged" | "archived" | "snoozed" | "restored" | "deleted";
        /** @description The result of a change of items. */
        readonly InboxChanged: {
            /** @description items that were not so before */
            readonly changed: number;
            /** @description ids that are not in this inbox (any more) */
            readonly unknown: readonly number[];
        };
        /** @description A notification in the inbox. */
        readonly InboxItemOut: {
            readonly id: number;
            readonly title: string;
            readonly body: string;
            readonly data: {
                readonly [key: string]: unknown;
            };
            /** @description URLs by label */
            readonly actions: {
                readonly [key: string]: string;
            };
            readonly severity: components["schemas"]["SeverityEnum"];
            readonly display_type: components["schemas"]["DisplayTypeEnum"];
            /** @description the system it comes from, empty if none was named */
            readonly source: string;
            readonly status: components["schemas"]["InboxItemOutStatusEnum"];
            /** Format: date-time */
            readonly created_at: string;
            /**
             * Format: date-time
             * @description when it disappears
             */
            readonly expires_at: string;
            /**
             * Format: date-time
             * @description when it was on the screen, as far as that was said
             */
            readonly seen_at: string | null;
            /** Format: date-time */
            readonly read_at: string | null;
            /** Format: date-time */
            readonly acknowledged_at: string | null;
            /** Format: date-time */
            readonly archived_at: string | null;
            /**
             * Format: date-time
             * @description when it comes back
             */
            readonly snoozed_until: string | null;
            /** Format: uuid */
            readonly notification_id: string | null;
        };
        /** @enum {string} */
        readonly InboxItemOutStatusEnum: "unread" | "read" | "acknowledged";
        /** @description A new API key with its secret. */
        readonly KeyMade: {
            readonly prefix: string;
            readonly name: string;
            readonly scopes: readonly string[];
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly expires_at: string | null;
            /** Format: date-time */
            readonly revoked_at: string | null;
            /**
             * Format: date-time
             * @description to the minute
             */
            readonly last_used_at: string | null;
            /** @description the prefix of the key that made it, `jwt:` and a publisher's name for a token, or the operators' command; empty if unknown */
            readonly made_by: string;
            /** @description the key itself; it is not shown again */
            readonly key: string;
        };
        /** @description An API key without its secret. */
        readonly KeyRow: {
            readonly prefix: string;
            readonly name: string;
            readonly scopes: readonly string[];
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly expires_at: string | null;
            /** Format: date-time */
            readonly revoked_at: string | null;
            /**
             * Format: date-time
             * @description to the minute
             */
            readonly last_used_at: string | null;
            /** @description the prefix of the key that made it, `jwt:` and a publisher's name for a token, or the operators' command; empty if unknown */
            readonly made_by: string;
        };
        /** @enum {string} */
        readonly KindEnum: "critical" | "transactional" | "promotional";
        /** @enum {string} */
        readonly LocalTimePassedEnum: "send" | "skip";
        /** @description A language to choose. */
        readonly LocaleOut: {
            /** @description BCP 47 */
            readonly locale: string;
            /** @description as its speakers call it */
            readonly name: string;
        };
        /** @description The notification of a run by hand. */
        readonly ManualRunOut: {
            /** Format: uuid */
            readonly notification_id: string;
        };
        /** @description Criteria that dead letters must meet. An empty object matches all of yours. */
        readonly MatchIn: {
            /** @description its name */
            readonly topic?: string;
            readonly channel?: components["schemas"]["ChannelEnum"];
            readonly provider?: string;
            readonly reason?: string;
            /**
             * Format: date-time
             * @description at this time or later
             */
            readonly died_after?: string;
            /**
             * Format: date-time
             * @description before this time
             */
            readonly died_before?: string;
        };
        /** @description The person whose token it is. */
        readonly MeOut: {
            readonly user_id: string;
            readonly name: string;
            readonly locale: string;
            readonly time_zone: string;
            readonly frequency_caps: readonly components["schemas"]["FrequencyCapOut"][];
            readonly digests: readonly components["schemas"]["DigestChoiceOut"][];
            /** @description where they are reached now */
            readonly channels: readonly string[];
            /** @description those of them that may have quiet hours */
            readonly quiet_channels: readonly string[];
            /** @description languages of Notifier's own texts, and the person's locale */
            readonly locales: readonly components["schemas"]["LocaleOut"][];
            /** @description they wrote STOP to a sender: a START from the phone undoes it */
            readonly sms_stopped: boolean;
        };
        /** @description A member of a group. */
        readonly MemberRow: {
            readonly user_id: string;
            /** Format: date-time */
            readonly added_at: string;
        };
        /** @description Numbers of people added and already in the group, and the ids that are unknown. */
        readonly MembersAdded: {
            readonly added: number;
            readonly already: number;
            readonly unknown: readonly string[];
        };
        /** @description Recipients to add or remove. */
        readonly MembersIn: {
            readonly user_ids: readonly string[];
        };
        /** @description Number of people removed, and the ids that are unknown. */
        readonly MembersRemoved: {
            readonly removed: number;
            readonly unknown: readonly string[];
        };
        /** @enum {string} */
        readonly MisfireEnum: "run_once" | "skip";
        /** @description The catalogue, in the order of the page. */
        readonly MyCategoriesOut: {
            readonly categories: readonly components["schemas"]["MyCategoryOut"][];
        };
        /** @description A category as the person reads it, and on which channels they get it. */
        readonly MyCategoryOut: {
            /** @description to be named in preferences */
            readonly name: string;
            /** @description in the person's language */
            readonly display_name: string;
            /** @description in the person's language */
            readonly description: string;
            readonly kind: components["schemas"]["KindEnum"];
            /** @description whether it is sent there, by their preferences and its defaults; a preference for a topic goes before it */
            readonly channels: {
                readonly [key: string]: boolean;
            };
        };
        /** @description A topic that the person is subscribed to, and whether it is sent on each channel. */
        readonly MyTopicOut: {
            /** @description to be named in preferences */
            readonly name: string;
            readonly display_name: string;
            /** @description who sends it, as people read it */
            readonly publisher: string;
            /** @description folded; empty if it has none */
            readonly category: string;
            /** @description it is mandatory or its category critical: preferences apply to its messages of other categories alone */
            readonly always_sent: boolean;
            /** @description whether it is sent there. Of what is always sent: only where something was chosen about it */
            readonly channels: {
                readonly [key: string]: boolean;
            };
        };
        /** @description The topics that the person is subscribed to, by display name. */
        readonly MyTopicsOut: {
            readonly topics: readonly components["schemas"]["MyTopicOut"][];
        };
        /** @description A new API key of the publisher that makes the request. */
        readonly NewKey: {
            /** @default  */
            readonly name?: string;
            /** @description some or all of the scopes of the key that makes the request */
            readonly scopes: readonly components["schemas"]["ScopesEnum"][];
            /** Format: date-time */
            readonly expires_at?: string | null;
        };
        /** @description A notification for recipients named by ``user_id`` or ``user_ids``. */
        readonly NotificationIn: {
            /** @description either this or `template`, beside which it has `severity`, `display_type` and `source` only */
            readonly content?: components["schemas"]["ContentIn"];
            /** @description in place of `title`, `body`, `data` and `actions` */
            readonly template?: components["schemas"]["TemplateUse"];
            /** @description the topic's default if left out, and `normal` without a topic */
            readonly priority?: components["schemas"]["PriorityEnum"];
            /** @description what people choose by; the topic's or the template's if left out */
            readonly category?: string;
            /** @description only these channels; every channel that has a provider if left out */
            readonly channels?: readonly components["schemas"]["ChannelEnum"][];
            /** @description the channel for recipients whom none of the others reached */
            readonly fallback?: components["schemas"]["Fallback"];
            /**
             * Format: date-time
             * @description send it then; at once if it is past
             */
            readonly send_at?: string;
            /** @description when each recipient gets it, in their own time zone */
            readonly send_at_local?: string;
            /** @description what becomes of those for whom `send_at_local` has passed; `send`: at once, which it is if left out */
            readonly local_time_passed?: components["schemas"]["LocalTimePassedEnum"];
            /**
             * Format: date-time
             * @description not sent after this time
             */
            readonly expires_at?: string;
            /**
             * @description a later push under the same key replaces this one on the device
             * @default
             */
            readonly collapse_key?: string;
            /**
             * @description deliveries to one recipient on a channel go out in the order accepted under it
             * @default
             */
            readonly ordering_key?: string;
            /**
             * @description your own id of it, to find it by; need not be unique; nobody is sent it
             * @default
             */
            readonly reference?: string;
            /** @description texts by name, shown where the notification is; nobody is sent them */
            readonly metadata?: {
                readonly [key: string]: string;
            };
            /** @description tell each recipient of it together with others, when the digest closes */
            readonly digest?: components["schemas"]["DigestIn"];
            /** @description accept the same content, audience and channels once within so many seconds */
            readonly deduplicate_seconds?: number;
            /** @description the company's own id of the person; never folded */
            readonly user_id?: string;
            readonly user_ids?: readonly string[];
        };
        /** @description A notification with its state and counts: a row of ``presenters.with_progress``. */
        readonly NotificationOut: {
            /** Format: uuid */
            readonly id: string;
            readonly state: components["schemas"]["NotificationStateEnum"];
            readonly priority: string;
            readonly channels: readonly string[];
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly send_at: string | null;
            /** Format: date-time */
            readonly expires_at: string | null;
            /** @description the local time at which each recipient gets it; empty without one */
            readonly send_at_local: string;
            /** @description `send`, `skip`, or empty */
            readonly local_time_passed: string;
            /** @description as of acceptance; empty if it was accepted before there were categories */
            readonly category: string;
            readonly topic: string | null;
            /** @description null if there was none, or it was deleted */
            readonly group: string | null;
            /** @description null if content was posted */
            readonly template: components["schemas"]["TemplateUsed"] | null;
            /** @description null if there is none */
            readonly fallback: components["schemas"]["Fallback"] | null;
            /** @description null if it asked for none */
            readonly digest: components["schemas"]["DigestOut"] | null;
            /** @description of its fallback, where that has some */
            readonly steps: readonly components["schemas"]["FallbackStep"][];
            readonly collapse_key: string;
            readonly ordering_key: string;
            /** @description your own id of it; empty without one */
            readonly reference: string;
            /** @description as posted; empty without any */
            readonly metadata: {
                readonly [key: string]: string;
            };
            /**
             * Format: uuid
             * @description the notification that it sends again; null for most
             */
            readonly replay_of: string | null;
            /** Format: date-time */
            readonly cancelled_at: string | null;
            /** @description the first 100 who acknowledged it: where it has steps, or by the call */
            readonly acknowledged_by: readonly components["schemas"]["Acknowledgement"][];
            /** @description number of deliveries by channel and state */
            readonly counts: {
                readonly [key: string]: {
                    readonly [key: string]: number;
                };
            };
        };
        /** @enum {string} */
        readonly NotificationStateEnum: "scheduled" | "sending" | "done" | "cancelled";
        /** @description Notifications accepted on a day. */
        readonly NotificationsOfDay: {
            /** Format: date */
            readonly day: string;
            readonly accepted: number;
        };
        /** @description A notification for recipients: named, or those whom an earlier one did not reach. */
        readonly NotifyIn: {
            /** @description either this or `template`, beside which it has `severity`, `display_type` and `source` only */
            readonly content?: components["schemas"]["ContentIn"];
            /** @description in place of `title`, `body`, `data` and `actions` */
            readonly template?: components["schemas"]["TemplateUse"];
            /** @description the topic's default if left out, and `normal` without a topic */
            readonly priority?: components["schemas"]["PriorityEnum"];
            /** @description what people choose by; the topic's or the template's if left out */
            readonly category?: string;
            /** @description only these channels; every channel that has a provider if left out */
            readonly channels?: readonly components["schemas"]["ChannelEnum"][];
            /** @description the channel for recipients whom none of the others reached */
            readonly fallback?: components["schemas"]["Fallback"];
            /**
             * Format: date-time
             * @description send it then; at once if it is past
             */
            readonly send_at?: string;
            /** @description when each recipient gets it, in their own time zone */
            readonly send_at_local?: string;
            /** @description what becomes of those for whom `send_at_local` has passed; `send`: at once, which it is if left out */
            readonly local_time_passed?: components["schemas"]["LocalTimePassedEnum"];
            /**
             * Format: date-time
             * @description not sent after this time
             */
            readonly expires_at?: string;
            /**
             * @description a later push under the same key replaces this one on the device
             * @default
             */
            readonly collapse_key?: string;
            /**
             * @description deliveries to one recipient on a channel go out in the order accepted under it
             * @default
             */
            readonly ordering_key?: string;
            /**
             * @description your own id of it, to find it by; need not be unique; nobody is sent it
             * @default
             */
            readonly reference?: string;
            /** @description texts by name, shown where the notification is; nobody is sent them */
            readonly metadata?: {
                readonly [key: string]: string;
            };
            /** @description tell each recipient of it together with others, when the digest closes */
            readonly digest?: components["schemas"]["DigestIn"];
            /** @description accept the same content, audience and channels once within so many seconds */
            readonly deduplicate_seconds?: number;
            /** @description the company's own id of the person; never folded */
            readonly user_id?: string;
            readonly user_ids?: readonly string[];
            /** @description in place of `user_id` or `user_ids`, and once for each person */
            readonly audience?: components["schemas"]["AudienceIn"];
        };
        /** @description Numbers of deliveries that are waiting and that have ended. */
        readonly NowOut: {
            /** @description being sent, or waiting for another attempt */
            readonly waiting: number;
            /** @description accepted by a provider, or delivered */
            readonly sent: number;
            /** @description bounced, failed, dead, unknown or expired */
            readonly failed: number;
            /** @description suppressed or cancelled */
            readonly suppressed: number;
        };
        readonly NullEnum: null;
        /** @enum {string} */
        readonly OutcomeEnum: "accepted" | "refused" | "retry" | "unknown" | "pending";
        readonly PaginatedBulkActionOutList: {
            readonly data: readonly components["schemas"]["BulkActionOut"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedCategoryOutList: {
            readonly data: readonly components["schemas"]["CategoryOut"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedDeadLetterRowList: {
            readonly data: readonly components["schemas"]["DeadLetterRow"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedDeliveryOutList: {
            readonly data: readonly components["schemas"]["DeliveryOut"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedEventOutList: {
            readonly data: readonly components["schemas"]["EventOut"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedGroupOutList: {
            readonly data: readonly components["schemas"]["GroupOut"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedInboxItemOutList: {
            readonly data: readonly components["schemas"]["InboxItemOut"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
            /** @description unread items in the whole inbox, whatever the filters */
            readonly unread: number;
            /** @description those of them that were not on the screen yet */
            readonly unseen: number;
            /** @description what the stream is to go on from (`since`): whatever changed after this page was read */
            readonly last_event_id: string;
        };
        readonly PaginatedKeyRowList: {
            readonly data: readonly components["schemas"]["KeyRow"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedMemberRowList: {
            readonly data: readonly components["schemas"]["MemberRow"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedNotificationOutList: {
            readonly data: readonly components["schemas"]["NotificationOut"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedPersonDeliveryOutList: {
            readonly data: readonly components["schemas"]["PersonDeliveryOut"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedRecipientRowList: {
            readonly data: readonly components["schemas"]["RecipientRow"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedScheduleOutList: {
            readonly data: readonly components["schemas"]["ScheduleOut"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedScheduleRunList: {
            readonly data: readonly components["schemas"]["ScheduleRun"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedStatusWebhookOutList: {
            readonly data: readonly components["schemas"]["StatusWebhookOut"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedSubscriptionRowList: {
            readonly data: readonly components["schemas"]["SubscriptionRow"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedSuppressionRowList: {
            readonly data: readonly components["schemas"]["SuppressionRow"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedTemplateRowList: {
            readonly data: readonly components["schemas"]["TemplateRow"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedTopicOutList: {
            readonly data: readonly components["schemas"]["TopicOut"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        readonly PaginatedVersionRowList: {
            readonly data: readonly components["schemas"]["VersionRow"][];
            /**
             * @description cursor of the next page, null on the last
             * @example null
             */
            readonly next: string | null;
        };
        /** @description Changes of a scheduled notification. What is left out stays as it is. */
        readonly PatchedEditIn: {
            /** @description in place of what it says, as a whole */
            readonly content?: components["schemas"]["ContentIn"];
            /** @description the same, from a template */
            readonly template?: components["schemas"]["TemplateUse"];
            /**
             * Format: date-time
             * @description at once if it is null or past
             */
            readonly send_at?: string | null;
            /**
             * Format: date-time
             * @description null: it does not expire
             */
            readonly expires_at?: string | null;
            readonly collapse_key?: string;
            readonly reference?: string;
            /** @description in place of all that there are; empty for none */
            readonly metadata?: {
                readonly [key: string]: string;
            };
        };
        /** @description Changes that a person makes of themselves. What is left out stays as it is. */
        readonly PatchedMeChangeIn: {
            /** @description BCP 47, e.g. de-AT */
            readonly locale?: string;
            /** @description IANA name, e.g. Europe/Vienna */
            readonly time_zone?: string;
            /** @description how many notifications you are sent at most; they replace all others */
            readonly frequency_caps?: readonly components["schemas"]["FrequencyCapIn"][];
            /** @description how often you want to be sent what may wait; they replace all others */
            readonly digests?: readonly components["schemas"]["DigestChoiceIn"][];
        };
        /** @description Some preferences of a recipient. */
        readonly PatchedPreferencesChange: {
            readonly preferences?: readonly components["schemas"]["PreferenceChange"][];
        };
        /** @description The fields of a schedule. `rrule` replaces `cron` and `topic` replaces `group`, and so on. */
        readonly PatchedScheduleChange: {
            /** @description a recurrence rule of RFC 5545, without COUNT and UNTIL; this or `cron` */
            readonly rrule?: string | null;
            /** @description minute, hour, day of month, month, day of week; this or `rrule` */
            readonly cron?: string | null;
            /** @description IANA name, e.g. Europe/Vienna; or `recipient`: each recipient's own */
            readonly time_zone?: string;
            /** @description its first occurrence is not before; now if left out */
            readonly starts_at_local?: string;
            /** @description its last occurrence is not after */
            readonly ends_at_local?: string | null;
            /** @description it ends after so many runs, failed ones included */
            readonly count?: number | null;
            /** @description what was missed while the service was down: the latest is run late, or none */
            readonly misfire?: components["schemas"]["MisfireEnum"];
            /** @description each notification expires so long after its occurrence */
            readonly expires_after_seconds?: number | null;
            /** @description whose subscribers get it */
            readonly topic?: string | null;
            /** @description whose members get it */
            readonly group?: string | null;
            readonly notification?: components["schemas"]["ScheduledNotificationIn"];
        };
        /** @description The part of a status webhook that can be changed. */
        readonly PatchedStatusWebhookChange: {
            /** @description states to send events about; `message.received`: replies to text messages */
            readonly events?: readonly components["schemas"]["EventsEnum"][];
        };
        /** @description The changeable fields of a topic. */
        readonly PatchedTopicChange: {
            readonly display_name?: string;
            /** @description preferences can refuse a whole category; stored in lower case */
            readonly category?: string;
            readonly default_priority?: components["schemas"]["PriorityEnum"];
            /** @description cannot be refused; for security notices */
            readonly mandatory?: boolean;
            /** @description new subscribers have to confirm */
            readonly requires_confirmation?: boolean;
            /** @description null: the channel's default */
            readonly retry_policy?: components["schemas"]["RetryPolicyField"] | null;
            /** @description seconds */
            readonly delay?: number;
            /** @description notifications are accepted, and sent once this is false */
            readonly paused?: boolean;
        };
        /** @enum {string} */
        readonly PerEnum: "hour" | "day" | "week";
        /** @description A delivery in a list of those to one person, with what its notification is known by. */
        readonly PersonDeliveryOut: {
            readonly id: string;
            /** @description null for another publisher's topic */
            readonly user_id: string | null;
            readonly channel: string;
            /** @description masked; null for another publisher's topic */
            readonly address: string | null;
            /** @description null for another publisher's topic */
            readonly contact_id: number | null;
            readonly state: string;
            readonly reason: string;
            /** @description the reason in words, with the names of the topic or category that a preference refused; empty without a reason */
            readonly reason_text: string;
            readonly provider: string;
            readonly provider_message_id: string;
            /** @description the delivery that this one replaces after its last attempt */
            readonly instead_of: string | null;
            /** @description the delivery of the digest that tells this one together with others */
            readonly told_in: string | null;
            /** @description of the notification's fallback, from 1; 0 for the first channels */
            readonly step: number;
            /**
             * Format: date-time
             * @description of what waits for a digest: when that closes
             */
            readonly next_attempt_at: string | null;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly updated_at: string;
            readonly attempts: readonly components["schemas"]["AttemptOut"][];
            readonly receipts: readonly components["schemas"]["ReceiptOut"][];
            /** Format: uuid */
            readonly notification_id: string;
            readonly reference: string;
            readonly topic: string | null;
        };
        /** @enum {string} */
        readonly PlatformEnum: "ios" | "android" | "web";
        /** @description A preference, or with `allowed: null` its withdrawal. */
        readonly PreferenceChange: {
            readonly channel?: components["schemas"]["ChannelEnum"] | components["schemas"]["BlankEnum"] | components["schemas"]["NullEnum"];
            /** @default  */
            readonly topic?: string | null;
            /**
             * @description in any case; stored in lower case
             * @default
             */
            readonly category?: string | null;
            readonly allowed: boolean | null;
        };
        /** @description A preference. A channel, topic or category that is left out or null means any. */
        readonly PreferenceIn: {
            readonly channel?: components["schemas"]["ChannelEnum"] | components["schemas"]["BlankEnum"] | components["schemas"]["NullEnum"];
            /** @default  */
            readonly topic?: string | null;
            /**
             * @description in any case; stored in lower case
             * @default
             */
            readonly category?: string | null;
            readonly allowed: boolean;
        };
        /** @description A preference; null means any. */
        readonly PreferenceRow: {
            readonly channel: string | null;
            readonly topic: string | null;
            readonly category: string | null;
            readonly allowed: boolean;
        };
        /** @description All preferences of a recipient. */
        readonly PreferencesIn: {
            readonly preferences: readonly components["schemas"]["PreferenceIn"][];
        };
        /** @description A recipient's preferences. */
        readonly PreferencesOut: {
            readonly preferences: readonly components["schemas"]["PreferenceRow"][];
        };
        /** @description Channel, locale and variables to render a template with. */
        readonly PreviewIn: {
            readonly channel: components["schemas"]["ChannelEnum"];
            /**
             * @description the recipient's; the default locale if left out
             * @default
             */
            readonly locale?: string;
            readonly variables?: {
                readonly [key: string]: unknown;
            };
            /** @description the newest if left out */
            readonly version?: number;
        };
        /** @enum {string} */
        readonly PriorityEnum: "high" | "normal" | "low";
        /** @description RFC 9457 problem details. */
        readonly ProblemDetails: {
            /** @description a stable URI reference, relative to this service */
            readonly type: string;
            readonly title: string;
            readonly status: number;
            /** @description what went wrong and what to do about it */
            readonly detail: string;
            /** @description at most 100 */
            readonly errors?: readonly components["schemas"]["ProblemError"][];
            /** @description the number of errors, if `errors` lists only the first of them */
            readonly error_count?: number;
            /** @description of a 5xx: what to tell the operators, also in `X-Request-ID` */
            readonly request_id?: string;
        };
        /** @description One error: a JSON `pointer` into the body, or the name of a query `parameter`. */
        readonly ProblemError: {
            readonly pointer?: string;
            readonly parameter?: string;
            readonly detail: string;
        };
        /** @description A notification for everybody subscribed to a topic. */
        readonly PublishIn: {
            /** @description either this or `template`, beside which it has `severity`, `display_type` and `source` only */
            readonly content?: components["schemas"]["ContentIn"];
            /** @description in place of `title`, `body`, `data` and `actions` */
            readonly template?: components["schemas"]["TemplateUse"];
            /** @description the topic's default if left out, and `normal` without a topic */
            readonly priority?: components["schemas"]["PriorityEnum"];
            /** @description what people choose by; the topic's or the template's if left out */
            readonly category?: string;
            /** @description only these channels; every channel that has a provider if left out */
            readonly channels?: readonly components["schemas"]["ChannelEnum"][];
            /** @description the channel for recipients whom none of the others reached */
            readonly fallback?: components["schemas"]["Fallback"];
            /**
             * Format: date-time
             * @description send it then; at once if it is past
             */
            readonly send_at?: string;
            /** @description when each recipient gets it, in their own time zone */
            readonly send_at_local?: string;
            /** @description what becomes of those for whom `send_at_local` has passed; `send`: at once, which it is if left out */
            readonly local_time_passed?: components["schemas"]["LocalTimePassedEnum"];
            /**
             * Format: date-time
             * @description not sent after this time
             */
            readonly expires_at?: string;
            /**
             * @description a later push under the same key replaces this one on the device
             * @default
             */
            readonly collapse_key?: string;
            /**
             * @description deliveries to one recipient on a channel go out in the order accepted under it
             * @default
             */
            readonly ordering_key?: string;
            /**
             * @description your own id of it, to find it by; need not be unique; nobody is sent it
             * @default
             */
            readonly reference?: string;
            /** @description texts by name, shown where the notification is; nobody is sent them */
            readonly metadata?: {
                readonly [key: string]: string;
            };
            /** @description tell each recipient of it together with others, when the digest closes */
            readonly digest?: components["schemas"]["DigestIn"];
            /** @description accept the same content, audience and channels once within so many seconds */
            readonly deduplicate_seconds?: number;
        };
        /** @enum {string} */
        readonly QuietChannelEnum: "push" | "sms" | "email";
        /** @description A person's quiet hours, in their time zone. */
        readonly QuietHoursIn: {
            /** @description an empty list: none at all, whatever the company's are */
            readonly windows: readonly components["schemas"]["QuietWindowIn"][];
            /** @description where nothing disturbs them; push and sms if left out */
            readonly channels?: readonly components["schemas"]["QuietChannelEnum"][];
        };
        /** @description The quiet hours that apply to a person. */
        readonly QuietHoursOut: {
            readonly windows: readonly components["schemas"]["QuietWindow"][];
            readonly channels: readonly string[];
            /** @description `company`: its default, where the person has none of their own */
            readonly source: components["schemas"]["SourceEnum"];
            /** @description the person's, or the company's where theirs is not known */
            readonly time_zone: string;
            /**
             * Format: date-time
             * @description when the quiet hours end that it is in now; null: in none
             */
            readonly quiet_until: string | null;
        };
        /** @description A time of quiet that begins on each of these days. */
        readonly QuietWindow: {
            readonly days: readonly components["schemas"]["DaysEnum"][];
            /** @description local time */
            readonly from: string;
            /** @description the next day, unless it is after `from` */
            readonly to: string;
        };
        /** @description A time of quiet that begins on each of these days. */
        readonly QuietWindowIn: {
            /** @description on which it begins */
            readonly days: readonly components["schemas"]["DaysEnum"][];
            /** @description local time, e.g. 22:00 */
            readonly from: string;
            /** @description the next day, unless it is after `from`; 24:00 is midnight */
            readonly to: string;
        };
        /** @description The quota of normal and low priority, counted from midnight to midnight UTC. */
        readonly QuotaOut: {
            readonly per_day: number;
            readonly used: number;
            /** Format: date-time */
            readonly resets_at: string;
            readonly high: components["schemas"]["HighQuotaOut"];
        };
        /** @enum {string} */
        readonly ReasonEnum: "hard_bounce" | "complaint" | "opted_out" | "dead_address" | "manual";
        /** @description An event that the provider reported later. */
        readonly ReceiptOut: {
            readonly event: components["schemas"]["EventEnum"];
            /** @description why it bounced or failed; else empty */
            readonly reason: string;
            readonly detail: string;
            /** Format: date-time */
            readonly at: string;
        };
        /** @description A recipient to create or change. What is left out stays as it is. */
        readonly RecipientIn: {
            /** @description the only email address; it replaces all others, and null removes them */
            readonly email?: string | null;
            /** @description the only number for SMS; it replaces all others, and null removes them */
            readonly phone?: string | null;
            /** @description BCP 47, e.g. de-AT */
            readonly locale?: string | null;
            /** @description IANA name, e.g. Europe/Vienna */
            readonly time_zone?: string | null;
            /** @description what templates call the person: `{{ recipient.name }}`; null removes it */
            readonly name?: string | null;
            /** @description for templates, `{{ recipient.attributes.city }}`; they replace all others, and null removes them */
            readonly attributes?: {
                readonly [key: string]: unknown;
            } | null;
            readonly devices?: readonly components["schemas"]["DeviceIn"][];
            /** @description the addresses on each channel named here; they replace all others on it */
            readonly contacts?: readonly components["schemas"]["ContactIn"][];
            readonly preferences?: readonly components["schemas"]["PreferenceIn"][];
            /** @description how many notifications the person is sent at most; they are added, and where the person has one for the same the lower one holds */
            readonly frequency_caps?: readonly components["schemas"]["FrequencyCapIn"][];
            /** @description how often the person is sent what may wait; they are added, and what the person chose stays */
            readonly digests?: readonly components["schemas"]["DigestChoiceIn"][];
        };
        /** @description A recipient with devices and contacts. */
        readonly RecipientOut: {
            readonly user_id: string;
            readonly locale: string;
            readonly time_zone: string;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly updated_at: string;
            /** @description null if its key is missing */
            readonly name: string | null;
            /** @description likewise */
            readonly attributes: {
                readonly [key: string]: unknown;
            } | null;
            readonly devices: readonly components["schemas"]["DeviceRow"][];
            readonly contacts: readonly components["schemas"]["ContactRow"][];
            readonly frequency_caps: readonly components["schemas"]["FrequencyCapOut"][];
            readonly digests: readonly components["schemas"]["DigestChoiceOut"][];
        };
        /** @description The result for one recipient of a bulk call. */
        readonly RecipientResult: {
            /** @description position in the request, from 0 */
            readonly index: number;
            readonly status: components["schemas"]["RecipientResultStatusEnum"];
            readonly user_id?: string;
            readonly secrets?: readonly components["schemas"]["WebhookSecret"][];
            readonly problem?: components["schemas"]["ProblemDetails"];
        };
        /** @enum {string} */
        readonly RecipientResultStatusEnum: "created" | "updated" | "error";
        /** @description One result for each item, in the order of the request. */
        readonly RecipientResults: {
            readonly results: readonly components["schemas"]["RecipientResult"][];
        };
        /** @description A recipient in a list. */
        readonly RecipientRow: {
            readonly user_id: string;
            readonly locale: string;
            readonly time_zone: string;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly updated_at: string;
        };
        /** @description A written recipient. */
        readonly RecipientWritten: {
            readonly user_id: string;
            readonly locale: string;
            readonly time_zone: string;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly updated_at: string;
            /** @description null if its key is missing */
            readonly name: string | null;
            /** @description likewise */
            readonly attributes: {
                readonly [key: string]: unknown;
            } | null;
            readonly devices: readonly components["schemas"]["DeviceRow"][];
            readonly contacts: readonly components["schemas"]["ContactRow"][];
            readonly frequency_caps: readonly components["schemas"]["FrequencyCapOut"][];
            readonly digests: readonly components["schemas"]["DigestChoiceOut"][];
            readonly secrets: readonly components["schemas"]["WebhookSecret"][];
        };
        /** @description The dead letters to redrive: give either `ids` or `match`. */
        readonly RedriveIn: {
            /** @description ids of deliveries, `dlv_…` */
            readonly ids?: readonly string[];
            readonly match?: components["schemas"]["MatchIn"];
            /** @description with `match`: `next` of the previous answer */
            readonly cursor?: string;
        };
        /** @description The result of a redrive. */
        readonly RedrivenOut: {
            readonly redriven: number;
            /** @description ids that are not dead letters of yours */
            readonly unknown: readonly string[];
            /** @description ids of dead letters that something else was changing: name them in a later call */
            readonly busy: readonly string[];
            /** @description number of those that match and cannot be redriven: their content is deleted */
            readonly gone: number;
            /** @description whether others may match: call again with `next` */
            readonly more: boolean;
            /** @description `cursor` for the next call, null on the last */
            readonly next?: string | null;
        };
        /** @description A replay: states and channels of the deliveries to send again, and a new expiry. */
        readonly ReplayIn: {
            /** @description that they ended in; if left out, any but `cancelled` */
            readonly states?: readonly components["schemas"]["ReplayInStatesEnum"][];
            /** @description that they were on; all if left out */
            readonly channels?: readonly components["schemas"]["ChannelEnum"][];
            /**
             * Format: date-time
             * @description not sent after this time; the first one's by default, and needed once that is past
             */
            readonly expires_at?: string;
        };
        /** @enum {string} */
        readonly ReplayInStatesEnum: "dead" | "failed" | "bounced" | "expired" | "cancelled";
        /** @description The rate limit of requests. */
        readonly RequestsOut: {
            readonly per_second: number;
            /** @description requests at once after a pause */
            readonly burst: number;
        };
        /** @description Days for which what a publisher sends is kept; ``categories``: with days of their own. */
        readonly RetentionOut: {
            /** @description of title, body, data and variables; of a critical notification that expires an hour after its expiry, if that is earlier */
            readonly content_days: number;
            /** @description of notifications, deliveries and attempts */
            readonly record_days: number;
            readonly categories: readonly components["schemas"]["DaysKeptOfCategory"][];
        };
        /** @description A retry policy: when and how often to retry, and what follows the last attempt. */
        readonly RetryPolicyField: {
            /** @description seconds to wait after the first, second, … attempt; empty: one attempt only */
            readonly schedule: readonly number[];
            /** @description number of attempts; the last wait repeats. By default one more than waits */
            readonly attempts?: number;
            /** @description `dead_letter` (the default), or an endpoint to send to instead */
            readonly after_last?: "dead_letter" | {
                /** @enum {string} */
                readonly channel: "sms" | "email" | "webhook";
                /** @description masked in responses */
                readonly address: string;
                /** @description a webhook's signing secret; never in a response */
                readonly secret?: string;
            };
        };
        /** @description The rotation of an API key. */
        readonly Rotation: {
            /**
             * @description how much longer the old key works
             * @default 86400
             */
            readonly grace_seconds?: number;
        };
        /** @description A schedule with its notification and upcoming occurrences. */
        readonly ScheduleDetailOut: {
            readonly name: string;
            readonly state: components["schemas"]["ScheduleStateEnum"];
            readonly rrule: string | null;
            readonly cron: string | null;
            readonly time_zone: string;
            readonly starts_at_local: string;
            readonly ends_at_local: string | null;
            readonly count: number | null;
            readonly misfire: string;
            readonly expires_after_seconds: number | null;
            readonly topic: string | null;
            readonly group: string | null;
            /**
             * Format: date-time
             * @description its next occurrence; on recipients' own clocks when it is that time first
             */
            readonly next_at: string | null;
            /** @description runs until now, failed ones included */
            readonly runs: number;
            /** @description runs that failed in a row, up to the last one */
            readonly failures: number;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly updated_at: string;
            /** @description as it was posted */
            readonly notification: {
                readonly [key: string]: unknown;
            };
            /** @description the next five, in its zone, or as local times on recipients' own clocks; of a paused one as if it were resumed now */
            readonly next_occurrences: readonly (string)[];
        };
        /** @description A notification that recurs. */
        readonly ScheduleIn: {
            /** @description a recurrence rule of RFC 5545, without COUNT and UNTIL; this or `cron` */
            readonly rrule?: string | null;
            /** @description minute, hour, day of month, month, day of week; this or `rrule` */
            readonly cron?: string | null;
            /** @description IANA name, e.g. Europe/Vienna; or `recipient`: each recipient's own */
            readonly time_zone: string;
            /** @description its first occurrence is not before; now if left out */
            readonly starts_at_local?: string;
            /** @description its last occurrence is not after */
            readonly ends_at_local?: string | null;
            /** @description it ends after so many runs, failed ones included */
            readonly count?: number | null;
            /**
             * @description what was missed while the service was down: the latest is run late, or none
             * @default run_once
             */
            readonly misfire?: components["schemas"]["MisfireEnum"];
            /** @description each notification expires so long after its occurrence */
            readonly expires_after_seconds?: number | null;
            /** @description whose subscribers get it */
            readonly topic?: string | null;
            /** @description whose members get it */
            readonly group?: string | null;
            readonly notification: components["schemas"]["ScheduledNotificationIn"];
            readonly name: string;
        };
        /** @description A schedule in a list. */
        readonly ScheduleOut: {
            readonly name: string;
            readonly state: components["schemas"]["ScheduleStateEnum"];
            readonly rrule: string | null;
            readonly cron: string | null;
            readonly time_zone: string;
            readonly starts_at_local: string;
            readonly ends_at_local: string | null;
            readonly count: number | null;
            readonly misfire: string;
            readonly expires_after_seconds: number | null;
            readonly topic: string | null;
            readonly group: string | null;
            /**
             * Format: date-time
             * @description its next occurrence; on recipients' own clocks when it is that time first
             */
            readonly next_at: string | null;
            /** @description runs until now, failed ones included */
            readonly runs: number;
            /** @description runs that failed in a row, up to the last one */
            readonly failures: number;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly updated_at: string;
        };
        /** @description The outcome of an occurrence, or of a run by hand. */
        readonly ScheduleRun: {
            /** @description a local time where it was on recipients' own clocks; null for a run by hand */
            readonly occurrence: string | null;
            readonly state: components["schemas"]["ScheduleRunStateEnum"];
            /** Format: date-time */
            readonly at: string;
            /** Format: uuid */
            readonly notification_id: string | null;
            /** @description occurrences before it that were missed, up to 1,000 */
            readonly missed: number;
            /** @description type of the problem of a run that failed */
            readonly problem: string | null;
            /** @description what went wrong, or a remark */
            readonly detail: string;
        };
        /** @enum {string} */
        readonly ScheduleRunStateEnum: "accepted" | "failed" | "skipped" | "missed";
        /** @enum {string} */
        readonly ScheduleStateEnum: "active" | "paused" | "ended";
        /** @description A notification as it is published; with a topic or a group it names no recipients. */
        readonly ScheduledNotificationIn: {
            /** @description either this or `template`, beside which it has `severity`, `display_type` and `source` only */
            readonly content?: components["schemas"]["ContentIn"];
            /** @description in place of `title`, `body`, `data` and `actions` */
            readonly template?: components["schemas"]["TemplateUse"];
            /** @description the topic's default if left out, and `normal` without a topic */
            readonly priority?: components["schemas"]["PriorityEnum"];
            /** @description what people choose by; the topic's or the template's if left out */
            readonly category?: string;
            /** @description only these channels; every channel that has a provider if left out */
            readonly channels?: readonly components["schemas"]["ChannelEnum"][];
            /** @description the channel for recipients whom none of the others reached */
            readonly fallback?: components["schemas"]["Fallback"];
            /**
             * @description a later push under the same key replaces this one on the device
             * @default
             */
            readonly collapse_key?: string;
            /**
             * @description deliveries to one recipient on a channel go out in the order accepted under it
             * @default
             */
            readonly ordering_key?: string;
            /**
             * @description your own id of it, to find it by; need not be unique; nobody is sent it
             * @default
             */
            readonly reference?: string;
            /** @description texts by name, shown where the notification is; nobody is sent them */
            readonly metadata?: {
                readonly [key: string]: string;
            };
            /** @description tell each recipient of it together with others, when the digest closes */
            readonly digest?: components["schemas"]["DigestIn"];
            /** @description accept the same content, audience and channels once within so many seconds */
            readonly deduplicate_seconds?: number;
            /** @description the company's own id of the person; never folded */
            readonly user_id?: string;
            readonly user_ids?: readonly string[];
        };
        /** @enum {string} */
        readonly ScopesEnum: "notifications:write" | "notifications:high" | "notifications:critical" | "notifications:read" | "topics:write" | "topics:read" | "subscriptions:write" | "subscriptions:read" | "directory:write" | "directory:read" | "directory:personal" | "categories:write" | "categories:read" | "templates:write" | "templates:read" | "groups:write" | "groups:read" | "suppressions:write" | "suppressions:read" | "webhooks:write" | "webhooks:read" | "audit:read" | "keys:write";
        /** @description A sentence of an explanation. */
        readonly Sentence: {
            readonly text: string;
            /** @description the state, outcome or event that it is about; empty if about none */
            readonly state: string;
        };
        /** @enum {string} */
        readonly SeverityEnum: "info" | "success" | "warning" | "error";
        /** @description The occurrence to skip. */
        readonly SkipIn: {
            /** @description the schedule's `next_at`, or the first of its `next_occurrences` */
            readonly occurrence: string;
        };
        /** @enum {string} */
        readonly SourceEnum: "own" | "company";
        /** @description A status webhook to create or to replace. */
        readonly StatusWebhookIn: {
            /** @description states to send events about; `message.received`: replies to text messages */
            readonly events: readonly components["schemas"]["EventsEnum"][];
            /** @description https://… */
            readonly url: string;
            /**
             * @description signing secret, `whsec_…`; generated if left out
             * @default
             */
            readonly secret?: string;
        };
        /** @description A status webhook, with its secret where this request gave or generated one. */
        readonly StatusWebhookKept: {
            readonly id: number;
            /** @description masked */
            readonly url: string;
            readonly events: readonly components["schemas"]["EventsEnum"][];
            /** @description `disabled` after it answered 410 */
            readonly state: components["schemas"]["ContactStateEnum"];
            /**
             * Format: date-time
             * @description until then messages are also signed with the previous secret
             */
            readonly former_secret_until: string | null;
            /** Format: date-time */
            readonly created_at: string;
            /**
             * Format: date-time
             * @description when a message last arrived, among the newest 1,000
             */
            readonly last_success_at: string | null;
            /**
             * Format: date-time
             * @description when an attempt last failed, among the newest 1,000
             */
            readonly last_error_at: string | null;
            /** @description error of that attempt; else empty */
            readonly last_error: string;
            /** @description not shown again */
            readonly secret?: string;
        };
        /** @description A status webhook. */
        readonly StatusWebhookOut: {
            readonly id: number;
            /** @description masked */
            readonly url: string;
            readonly events: readonly components["schemas"]["EventsEnum"][];
            /** @description `disabled` after it answered 410 */
            readonly state: components["schemas"]["ContactStateEnum"];
            /**
             * Format: date-time
             * @description until then messages are also signed with the previous secret
             */
            readonly former_secret_until: string | null;
            /** Format: date-time */
            readonly created_at: string;
            /**
             * Format: date-time
             * @description when a message last arrived, among the newest 1,000
             */
            readonly last_success_at: string | null;
            /**
             * Format: date-time
             * @description when an attempt last failed, among the newest 1,000
             */
            readonly last_error_at: string | null;
            /** @description error of that attempt; else empty */
            readonly last_error: string;
        };
        /** @description The result of a test call. */
        readonly StatusWebhookTested: {
            /** @description outcome of the attempt; `pending` without an answer within 3 seconds, or while other test calls are under way: see its deliveries */
            readonly outcome: components["schemas"]["OutcomeEnum"];
            /** @description why it did not arrive; else empty */
            readonly error: string;
            /** @description the receiver's HTTP status */
            readonly status: number | null;
            readonly duration_ms: number | null;
            readonly delivery_id: string | null;
        };
        /** @description The forecast of a step of the fallback. */
        readonly StepDryRunOut: {
            /** @description how many subscriptions, members or recipients there are */
            readonly audience: number;
            /** @description how many of them were judged; where these are fewer, the numbers are estimates */
            readonly judged: number;
            /** @description how many people and bare addresses would get it */
            readonly people: number;
            /** @description how many deliveries would be sent at once */
            readonly now: number;
            /** @description how many later, by the reason to wait */
            readonly later: {
                readonly [key: string]: number;
            };
            /** @description how many not at all, by reason */
            readonly not_sent: {
                readonly [key: string]: number;
            };
            /** @description from 1 */
            readonly number: number;
            readonly channel: string;
        };
        readonly SubscribeIn: components["schemas"]["SubscriptionIn"] | components["schemas"]["SubscriptionsIn"];
        readonly SubscribeOut: components["schemas"]["SubscribedOut"] | components["schemas"]["SubscriptionResults"];
        /** @description The subscriptions of one request, one for each channel. */
        readonly SubscribedOut: {
            readonly subscriptions: readonly components["schemas"]["SubscriptionRef"][];
        };
        /** @description A recipient on chosen channels, or a bare endpoint: give `user_id` or `address`. */
        readonly SubscriptionIn: {
            /** @description the company's own id of the person; never folded */
            readonly user_id?: string;
            readonly channels?: readonly components["schemas"]["ChannelEnum"][];
            readonly channel?: components["schemas"]["ChannelEnum"];
            /** @description an email, phone number, device token or URL */
            readonly address?: string;
            /** @description with a device token */
            readonly platform?: components["schemas"]["PlatformEnum"];
            /** @description with a device token */
            readonly app?: string;
            /** @description with a webhook's URL */
            readonly secret?: string;
            /** @description null: the topic's; left out: unchanged */
            readonly retry_policy?: components["schemas"]["RetryPolicyField"] | null;
        };
        /** @description A subscription on one channel. */
        readonly SubscriptionRef: {
            readonly id: number;
            readonly channel: string;
            readonly state: string;
            /** @description a webhook's signing secret, shown when given or generated */
            readonly secret?: string;
        };
        /** @description The result for one item of a bulk call. */
        readonly SubscriptionResult: {
            /** @description position in the request, from 0 */
            readonly index: number;
            readonly status: components["schemas"]["SubscriptionResultStatusEnum"];
            readonly subscriptions?: readonly components["schemas"]["SubscriptionRef"][];
            readonly problem?: components["schemas"]["ProblemDetails"];
        };
        /** @enum {string} */
        readonly SubscriptionResultStatusEnum: "subscribed" | "error";
        /** @description One result for each item, in the order of the request. */
        readonly SubscriptionResults: {
            readonly results: readonly components["schemas"]["SubscriptionResult"][];
        };
        /** @description A subscription in a list: a recipient's, or a bare endpoint's. */
        readonly SubscriptionRow: {
            readonly id: number;
            readonly channel: string;
            readonly state: string;
            readonly user_id?: string | null;
            /** @description masked */
            readonly address?: string | null;
            readonly platform?: string | null;
            /** @description null: the topic's */
            readonly retry_policy: components["schemas"]["RetryPolicyField"] | null;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly updated_at: string;
        };
        /** @description Many subscriptions, each validated on its own. */
        readonly SubscriptionsIn: {
            readonly subscriptions: readonly components["schemas"]["SubscriptionIn"][];
        };
        /** @description An address to suppress. */
        readonly SuppressionIn: {
            /** @description not webhook or inbox */
            readonly channel: components["schemas"]["QuietChannelEnum"];
            readonly address: string;
            /** @description with a device token */
            readonly platform?: components["schemas"]["PlatformEnum"];
            /** @default manual */
            readonly reason?: components["schemas"]["ReasonEnum"];
        };
        /** @description A suppressed address and the reason. */
        readonly SuppressionRow: {
            readonly id: number;
            readonly channel: string;
            /** @description masked */
            readonly address: string;
            readonly reason: components["schemas"]["ReasonEnum"];
            /** Format: date-time */
            readonly created_at: string;
        };
        /** @description The answer to an acceptance: the notification, with warnings. */
        readonly TakenOut: {
            /** Format: uuid */
            readonly id: string;
            /** @description `scheduled` if it is for later */
            readonly state: string;
            readonly priority: string;
            readonly channels: readonly string[];
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly send_at: string | null;
            /** Format: date-time */
            readonly expires_at: string | null;
            /** @description as posted; absent without one */
            readonly reference?: string;
            /** @description as posted; absent without any */
            readonly metadata?: {
                readonly [key: string]: string;
            };
            /**
             * Format: uuid
             * @description the notification that it sends again; else absent
             */
            readonly replay_of?: string;
            /** @description true if an earlier notification was the same; else absent */
            readonly deduplicated?: boolean;
            /** @description channels on which a recipient has no address or the backlog is large */
            readonly warnings?: readonly components["schemas"]["WarningOut"][];
        };
        /** @description A template with its version 1. */
        readonly TemplateIn: {
            /** @description used for recipients whose own locale has no content; every channel needs it */
            readonly default_locale: string;
            /** @description of notifications that name none, to no topic that has one; a version that says nothing keeps the one before's */
            readonly category?: string;
            readonly contents: readonly components["schemas"]["TranslationIn"][];
            readonly name: string;
            /** @default  */
            readonly display_name?: string;
        };
        /** @description A template in one version, with its contents. */
        readonly TemplateOut: {
            readonly version: number;
            readonly default_locale: string;
            readonly category: string;
            /** Format: date-time */
            readonly created_at: string;
            readonly channels: readonly string[];
            readonly locales: readonly string[];
            readonly name: string;
            readonly display_name: string;
            readonly contents: readonly components["schemas"]["TranslationOut"][];
        };
        /** @description A template in a list, in its newest version. */
        readonly TemplateRow: {
            readonly version: number;
            readonly default_locale: string;
            readonly category: string;
            /** Format: date-time */
            readonly created_at: string;
            readonly channels: readonly string[];
            readonly locales: readonly string[];
            readonly name: string;
            readonly display_name: string;
        };
        /** @description A template and its variables, in place of content. */
        readonly TemplateUse: {
            readonly name: string;
            /** @description the newest if left out */
            readonly version?: number;
            readonly variables?: {
                readonly [key: string]: unknown;
            };
        };
        /** @description The template a notification was made from. */
        readonly TemplateUsed: {
            readonly name: string;
            readonly version: number;
        };
        /** @description A ticket for one connection to the stream. */
        readonly TicketOut: {
            readonly ticket: string;
            /** Format: date-time */
            readonly expires_at: string;
        };
        /** @description A topic and the publishers that were granted it. */
        readonly TopicDetailOut: {
            readonly name: string;
            /** @description the publisher's name */
            readonly owner: string;
            readonly display_name: string;
            readonly category: string;
            readonly default_priority: string;
            readonly mandatory: boolean;
            readonly requires_confirmation: boolean;
            readonly retry_policy: components["schemas"]["RetryPolicyField"] | null;
            /** @description seconds */
            readonly delay: number;
            readonly paused: boolean;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly updated_at: string;
            /** @description names of publishers; only the owner sees them */
            readonly granted_to: readonly string[];
        };
        /** @description A topic to create. */
        readonly TopicIn: {
            readonly display_name?: string;
            /** @description preferences can refuse a whole category; stored in lower case */
            readonly category?: string;
            readonly default_priority?: components["schemas"]["PriorityEnum"];
            /** @description cannot be refused; for security notices */
            readonly mandatory?: boolean;
            /** @description new subscribers have to confirm */
            readonly requires_confirmation?: boolean;
            /** @description null: the channel's default */
            readonly retry_policy?: components["schemas"]["RetryPolicyField"] | null;
            /** @description seconds */
            readonly delay?: number;
            readonly name: string;
        };
        /** @description A topic. */
        readonly TopicOut: {
            readonly name: string;
            /** @description the publisher's name */
            readonly owner: string;
            readonly display_name: string;
            readonly category: string;
            readonly default_priority: string;
            readonly mandatory: boolean;
            readonly requires_confirmation: boolean;
            readonly retry_policy: components["schemas"]["RetryPolicyField"] | null;
            /** @description seconds */
            readonly delay: number;
            readonly paused: boolean;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly updated_at: string;
        };
        /** @description A topic's deliveries, now and over time. */
        readonly TopicStatisticsOut: {
            readonly topic: string;
            readonly now: components["schemas"]["NowOut"];
            /** @description oldest first, without hours in which nothing ended */
            readonly hours: readonly components["schemas"]["HourOut"][];
        };
        /** @description The texts of a template on one channel in one locale. Each may use `{{ variables }}`. */
        readonly TranslationIn: {
            readonly channel: components["schemas"]["ChannelEnum"];
            /** @description BCP 47, e.g. de-AT */
            readonly locale: string;
            /** @default  */
            readonly title?: string;
            /** @default  */
            readonly body?: string;
            /**
             * @description for email, in addition to body; variables are escaped
             * @default
             */
            readonly html?: string;
            readonly data?: {
                readonly [key: string]: unknown;
            };
            /** @description label to URL: https, http, mailto, tel, sms or an app's own scheme */
            readonly actions?: {
                readonly [key: string]: string;
            };
        };
        /** @description The texts of a template, as they were posted. */
        readonly TranslationOut: {
            readonly channel: string;
            readonly locale: string;
            readonly title: string;
            readonly body: string;
            readonly html: string;
            readonly data: {
                readonly [key: string]: unknown;
            };
            readonly actions: {
                readonly [key: string]: string;
            };
        };
        /** @enum {string} */
        readonly UnlessEnum: "delivered" | "read" | "acknowledged";
        /** @description Subscriptions to end: a recipient's, on some channels or all, or a bare endpoint's. */
        readonly UnsubscribeIn: {
            /** @description the company's own id of the person; never folded */
            readonly user_id?: string;
            /** @description empty: all channels */
            readonly channels?: readonly components["schemas"]["ChannelEnum"][];
            readonly channel?: components["schemas"]["ChannelEnum"];
            readonly address?: string;
            readonly platform?: components["schemas"]["PlatformEnum"];
        };
        /** @description Number of subscriptions ended; 0 if they had ended before. */
        readonly UnsubscribedOut: {
            readonly unsubscribed: number;
        };
        /** @description A publisher's limits, and what it used of them. Days are in UTC. */
        readonly UsageOut: {
            readonly requests: components["schemas"]["RequestsOut"];
            readonly quota: components["schemas"]["QuotaOut"];
            readonly notifications: readonly components["schemas"]["NotificationsOfDay"][];
            readonly deliveries: readonly components["schemas"]["DeliveriesOfDay"][];
            readonly retention: components["schemas"]["RetentionOut"];
        };
        /** @enum {string} */
        readonly VerdictEnum: "yes" | "perhaps" | "not_yet" | "no";
        /** @description A version of a template. */
        readonly VersionIn: {
            /** @description used for recipients whose own locale has no content; every channel needs it */
            readonly default_locale: string;
            /** @description of notifications that name none, to no topic that has one; a version that says nothing keeps the one before's */
            readonly category?: string;
            readonly contents: readonly components["schemas"]["TranslationIn"][];
        };
        /** @description A version in a list. */
        readonly VersionRow: {
            readonly version: number;
            readonly default_locale: string;
            readonly category: string;
            /** Format: date-time */
            readonly created_at: string;
            readonly channels: readonly string[];
            readonly locales: readonly string[];
        };
        /** @description A warning about an accepted notification that may not be as intended. */
        readonly WarningOut: {
            /** @description JSON pointer into the request */
            readonly pointer: string;
            readonly detail: string;
        };
        /** @description The signing secret of a webhook, given or generated in this call. */
        readonly WebhookSecret: {
            /** @description the contact's */
            readonly id: number;
            /** @description masked */
            readonly address: string;
            readonly secret: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description size of the bucket: requests at once at most */
        readonly "RateLimit-Limit": number;
        /** @description requests left now */
        readonly "RateLimit-Remaining": number;
        /** @description seconds until all of them are left again */
        readonly "RateLimit-Reset": number;
        /** @description seconds to wait before the same request */
        readonly "Retry-After": number;
        /** @description the scheme, and what was wrong (RFC 6750) */
        readonly "WWW-Authenticate": string;
        /** @description the request's own, or one that was made for it */
        readonly "X-Request-ID": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    readonly list_api_keys: {
        readonly parameters: {
            readonly query?: {
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly create_api_key: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly revoke_api_key: {
        readonly parameters: {
            readonly query?: {
                /** @description also revoke the keys that it replaced or that replaced it by rotation, and the keys that those made */
                readonly family?: boolean;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly rotate_api_key: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_audit_events: {
        readonly parameters: {
            readonly query?: {
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
                /** @description such as news */
                readonly object_name?: string;
                /** @description such as topic */
                readonly object_type?: string;
                /** @description only events at or after this time */
                readonly since?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_bulk_actions: {
        readonly parameters: {
            readonly query?: {
                readonly action?: "redrive" | "release" | "cancel";
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly begin_bulk_action: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly get_bulk_action: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly abort_bulk_action: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_categories: {
        readonly parameters: {
            readonly query?: {
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly read_category: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly put_category: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly delete_category: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly confirm: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_dead_letters: {
        readonly parameters: {
            readonly query?: {
                readonly channel?: "push" | "sms" | "email" | "webhook" | "inbox";
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
                readonly provider?: string;
                readonly reason?: string;
                /** @description its name */
                readonly topic?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly get_dead_letter: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly redrive: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly explain_delivery: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly get_erasure: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_groups: {
        readonly parameters: {
            readonly query?: {
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly read_group: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly put_group: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly delete_group: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_members: {
        readonly parameters: {
            readonly query?: {
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly add_members: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly remove_members: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly notify_group: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly dry_run_notify_group: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_inbox: {
        readonly parameters: {
            readonly query?: {
                /** @description true: the archived items, in place of those in the inbox */
                readonly archived?: boolean;
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
                readonly severity?: "info" | "success" | "warning" | "error";
                /** @description true: the items that are to come back, likewise */
                readonly snoozed?: boolean;
                readonly source?: string;
                readonly status?: "unread" | "read" | "acknowledged";
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly delete_inbox_item: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly change_inbox: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly stream_inbox: {
        readonly parameters: {
            readonly query?: {
                /** @description the id of the last event that you got, or `last_event_id` of a page of the inbox; `Last-Event-ID` goes before it; without either, what changes from now on */
                readonly since?: string;
                readonly ticket?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly create_stream_ticket: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly count_unread: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly read_me: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly change_me: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_my_categories: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly leave_everything: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly read_my_preferences: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly replace_my_preferences: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly change_my_preferences: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly read_my_quiet_hours: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly replace_my_quiet_hours: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly remove_my_quiet_hours: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_my_topics: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_notifications: {
        readonly parameters: {
            readonly query?: {
                readonly category?: string;
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
                /** @description the one that it was posted with */
                readonly reference?: string;
                /** @description accepted then or later */
                readonly since?: string;
                readonly state?: "scheduled" | "sending" | "done" | "cancelled";
                /** @description its name */
                readonly topic?: string;
                /** @description accepted before then */
                readonly until?: string;
                /** @description with a delivery to this person; what went to other publishers' topics is left out, whose subscribers only their owners may know */
                readonly user_id?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly notify: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly get_notification: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly edit_notification: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly acknowledge_notification: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly cancel_notification: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_deliveries: {
        readonly parameters: {
            readonly query?: {
                readonly channel?: "push" | "sms" | "email" | "webhook" | "inbox";
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
                readonly state?: "queued" | "sending" | "retrying" | "accepted" | "delivered" | "bounced" | "failed" | "dead" | "unknown" | "suppressed" | "expired" | "cancelled";
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly replay_notification: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly notify_batch: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly dry_run_notify: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly take_receipt: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_recipients: {
        readonly parameters: {
            readonly query?: {
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly read_recipient: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly upsert_recipient: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly erase_recipient: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_contacts: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly add_contact: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly remove_contact: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly find_contact: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly remove_address: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_recipient_deliveries: {
        readonly parameters: {
            readonly query?: {
                readonly channel?: "push" | "sms" | "email" | "webhook" | "inbox";
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
                /** @description made then or later */
                readonly since?: string;
                readonly state?: "queued" | "sending" | "retrying" | "accepted" | "delivered" | "bounced" | "failed" | "dead" | "unknown" | "suppressed" | "expired" | "cancelled";
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_devices: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly register_device: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly remove_device: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly remove_token: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly export_recipient: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly read_preferences: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly replace_preferences: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly change_preferences: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly read_quiet_hours: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly replace_quiet_hours: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly remove_quiet_hours: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly upsert_recipients: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly take_reply: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_schedules: {
        readonly parameters: {
            readonly query?: {
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly create_schedule: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly read_schedule: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly delete_schedule: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly change_schedule: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly pause_schedule: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly resume_schedule: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly run_schedule: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_schedule_runs: {
        readonly parameters: {
            readonly query?: {
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly skip_occurrence: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_status_webhooks: {
        readonly parameters: {
            readonly query?: {
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly create_status_webhook: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly read_status_webhook: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly delete_status_webhook: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly change_status_webhook: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_status_webhook_deliveries: {
        readonly parameters: {
            readonly query?: {
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly test_status_webhook: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_suppressions: {
        readonly parameters: {
            readonly query?: {
                /** @description only this address, on the channel named */
                readonly address?: string;
                /** @description not webhook or inbox */
                readonly channel?: "push" | "sms" | "email";
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
                /** @description with a device token */
                readonly platform?: "ios" | "android" | "web";
                readonly reason?: "hard_bounce" | "complaint" | "opted_out" | "dead_address" | "manual";
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly add_suppression: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly lift_suppression: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_templates: {
        readonly parameters: {
            readonly query?: {
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly create_template: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly read_template: {
        readonly parameters: {
            readonly query?: {
                /** @description the newest if left out */
                readonly version?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly delete_template: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly preview_template: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_template_versions: {
        readonly parameters: {
            readonly query?: {
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly add_template_version: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_topics: {
        readonly parameters: {
            readonly query?: {
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly create_topic: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly read_topic: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly delete_topic: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly change_topic: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly grant_topic: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly withdraw_grant: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly publish: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly dry_run_publish: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly topic_statistics: {
        readonly parameters: {
            readonly query?: {
                /** @description from this hour; 24 hours before `to` if left out */
                readonly from?: string;
                /** @description before this time; now if left out */
                readonly to?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly list_subscriptions: {
        readonly parameters: {
            readonly query?: {
                readonly channel?: "push" | "sms" | "email" | "webhook" | "inbox";
                /** @description `next` of the previous page */
                readonly cursor?: string;
                /** @description rows a page */
                readonly limit?: number;
                readonly state?: "pending" | "active" | "unsubscribed";
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly subscribe: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly delete_subscription: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly send_confirmation: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly unsubscribe: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
    readonly usage: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: never;
    };
}
