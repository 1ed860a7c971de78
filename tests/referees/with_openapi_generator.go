// The main flow, with the Go client that OpenAPI Generator makes.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"strings"
	"time"

	openapi "generated/openapi"
)

func must[T any](answer T, _ any, err error) T {
	if err != nil {
		log.Panic(err)
	}
	return answer
}

func check(holds bool, shown ...any) {
	if !holds {
		log.Panic(shown...)
	}
}

func main() {
	name := os.Getenv("NAME")
	configuration := openapi.NewConfiguration()
	configuration.Servers = openapi.ServerConfigurations{{URL: os.Getenv("NOTIFIER_URL")}}
	client := openapi.NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), openapi.ContextAccessToken, os.Getenv("NOTIFIER_KEY"))

	topicIn := *openapi.NewTopicIn(name)
	topic := must(client.TopicsAPI.CreateTopic(ctx).TopicIn(topicIn).Execute())
	check(topic.GetName() == name, topic)
	person := openapi.RecipientIn{Contacts: []openapi.ContactIn{*openapi.NewContactIn("email", name+"@example.com")}}
	person.SetLocale("de_AT")
	written := must(client.RecipientsAPI.UpsertRecipient(ctx, name).RecipientIn(person).Execute())
	check(written.GetUserId() == name, written)
	subscription := openapi.SubscriptionIn{UserId: &name, Channels: []openapi.ChannelEnum{"email", "inbox"}}
	subscribed := openapi.SubscriptionInAsSubscribeIn(&subscription)
	must(client.SubscriptionsAPI.Subscribe(ctx, name).SubscribeIn(subscribed).Execute())
	content := openapi.ContentIn{}
	content.SetTitle("Order 7")
	content.SetBody("It is on its way.")
	publication := openapi.PublishIn{Content: &content}
	posted := must(client.NotificationsAPI.Publish(ctx, name).PublishIn(publication).IdempotencyKey(name).Execute())
	state := ""
	for turn := 0; turn < 100 && state != "done"; turn++ {
		time.Sleep(200 * time.Millisecond)
		state = string(must(client.NotificationsAPI.GetNotification(ctx, posted.GetId()).Execute()).GetState())
	}
	check(state == "done", state)
	deliveries := must(client.NotificationsAPI.ListDeliveries(ctx, posted.GetId()).Execute()).GetData()
	check(len(deliveries) == 2, deliveries)
	for _, delivery := range deliveries {
		reached := string(delivery.GetState())
		check(reached == "accepted" || reached == "delivered", delivery)
	}
	_, _, err := client.TopicsAPI.CreateTopic(ctx).TopicIn(topicIn).Execute()
	var problem *openapi.GenericOpenAPIError
	check(errors.As(err, &problem), err)
	check(strings.Contains(string(problem.Body()), "/problems/topic-exists"), string(problem.Body()))
}
